using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.OpenAi;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.Ollama;

/// <summary>Generates an answer and sends it as Ollama does: in lines, or as a whole.</summary>
/// <param name="context">The request.</param>
/// <param name="model">The model.</param>
/// <param name="clock">What time it is.</param>
/// <param name="put">Puts a piece of the answer into a line.</param>
internal sealed class OllamaAnswer(HttpContext context, ServedModel model, TimeProvider clock, Action<JsonObject, string> put)
{
    private readonly long _begun = clock.GetTimestamp();

    /// <summary>Generates and sends it.</summary>
    public async Task SendAsync(GenerationRequest request, bool streams)
    {
        var text = "";
        await foreach (var update in model.Engine.GenerateAsync(request with { Client = OpenAiApi.Client(context), Adapter = model.Adapter }, context.RequestAborted).ConfigureAwait(false))
        {
            var piece = text.Length > 0 ? update.Text : update.Text.TrimStart();   // the whole answer is trimmed
            text += piece;
            if (streams && piece.Length > 0)
            {
                if (!context.Response.HasStarted)
                    OllamaReplies.BeginStream(context);
                await OllamaReplies.SendAsync(context, Line(piece, false)).ConfigureAwait(false);
            }
            if (update.Result is not { } result)
                continue;
            var last = Line(streams ? "" : result.Text, true);
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

    private JsonObject Line(string piece, bool done)
    {
        var line = new JsonObject { ["model"] = model.Name, ["created_at"] = OllamaApi.Time(clock.GetUtcNow()) };
        put(line, piece);
        line["done"] = done;
        return line;
    }

    private static long Nanoseconds(double seconds) => (long)(1e9 * seconds);
}
