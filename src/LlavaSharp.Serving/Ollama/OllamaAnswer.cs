using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.OpenAi;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.Ollama;

/// <summary>Generates an answer and sends it as Ollama does: in lines, or as a whole.</summary>
/// <param name="context">The request.</param>
/// <param name="model">The model.</param>
/// <param name="clock">What time it is.</param>
/// <param name="put">Puts a piece of the answer into a line.</param>
/// <param name="tools">What may be called; null: nothing.</param>
internal sealed class OllamaAnswer(HttpContext context, ServedModel model, TimeProvider clock, Action<JsonObject, string> put, ToolUse? tools = null)
{
    private readonly long _begun = clock.GetTimestamp();

    /// <summary>Generates and sends it.</summary>
    public async Task SendAsync(GenerationRequest request, bool streams)
    {
        var text = "";
        var reader = tools is null ? null : new ToolCallReader(tools.Format);
        await foreach (var update in model.Engine.GenerateAsync(request with { Client = OpenAiApi.Client(context), Adapter = model.Adapter }, context.RequestAborted).ConfigureAwait(false))
        {
            var piece = text.Length > 0 ? update.Text : update.Text.TrimStart();   // the whole answer is trimmed
            text += piece;
            IReadOnlyList<ToolCallPiece> pieces = reader is null ? piece.Length > 0 ? [new() { Text = piece }] : []
                : update.Result is null ? reader.Push(piece) : [.. reader.Push(piece), .. reader.End()];
            foreach (var part in pieces.Where(part => streams && (part.Text.Length > 0 || part.Ended is not null)))
            {
                if (!context.Response.HasStarted)
                    OllamaReplies.BeginStream(context);
                await OllamaReplies.SendAsync(context, Line(part.Text, false, part.Ended is { } call ? [call] : [])).ConfigureAwait(false);
            }
            if (update.Result is not { } result)
                continue;
            var last = Line(streams ? "" : reader?.Text ?? result.Text, true, streams ? [] : reader?.Calls ?? []);
            last["done_reason"] = result.FinishReason == FinishReason.Length ? "length" : "stop";
            last["total_duration"] = Nanoseconds(clock.GetElapsedTime(_begun).TotalSeconds);
            last["load_duration"] = 0;
            last["prompt_eval_count"] = result.PromptTokens;
            last["prompt_eval_duration"] = Nanoseconds(result.Timings.Image + result.Timings.Prefill);
            last["eval_count"] = result.OutputIds.Count;
            last["eval_duration"] = Nanoseconds(result.Timings.Decode);
            await FinishAsync(last, streams).ConfigureAwait(false);
        }
    }

    /// <summary>Says that the model is loaded: what an empty request asks for.</summary>
    public Task SayLoadedAsync(bool streams)
    {
        var line = Line("", true);
        line["done_reason"] = "load";
        return FinishAsync(line, streams);
    }

    private async Task FinishAsync(JsonObject line, bool streams)
    {
        if (!streams)
        {
            await OllamaReplies.WriteAsync(context, line).ConfigureAwait(false);
            return;
        }
        if (!context.Response.HasStarted)
            OllamaReplies.BeginStream(context);
        await OllamaReplies.SendAsync(context, line).ConfigureAwait(false);
    }

    private JsonObject Line(string piece, bool done, IReadOnlyList<ToolCall>? calls = null)
    {
        var line = new JsonObject { ["model"] = model.Name, ["created_at"] = OllamaApi.Time(clock.GetUtcNow()) };
        put(line, piece);
        if (calls is { Count: > 0 })
            line["message"]!["tool_calls"] = new JsonArray([.. calls.Select(call => (JsonNode)new JsonObject { ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.ReadArguments() } })]);
        line["done"] = done;
        return line;
    }

    private static long Nanoseconds(double seconds) => (long)(1e9 * seconds);
}
