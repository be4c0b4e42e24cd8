using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Hosting;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.OpenAi;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatCompletions(ServedModels models, OpenAiOptions options)
{
    private const int MostTop = 20;   // log-probabilities at a place

    public async Task AnswerAsync(HttpContext context)
    {
        var request = await RequestObject.ReadAsync(context).ConfigureAwait(false);
        var model = OpenAiApi.Find(models, request);
        var engine = model.Engine;
        var streams = request.Flag("stream") ?? false;
        var streamOptions = request.Object("stream_options");
        if (streamOptions is not null && !streams)
            throw OpenAiException.Invalid("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
        var withUsage = streamOptions?.Flag("include_usage") ?? false;
        streamOptions?.Ignore("include_obfuscation");
        streamOptions?.Finish();
        var count = request.Integer("n", 1, options.MaxChoices) ?? 1;
        var top = request.Integer("top_logprobs", 0, MostTop);
        var withLogProbabilities = request.Flag("logprobs") ?? false;
        if (top is not null && !withLogProbabilities)
            throw OpenAiException.Invalid("top_logprobs", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.");
        var form = AnswerForm.Read(request, engine.Model);
        if (request.List("modalities") is { } modalities && modalities.Any(modality => modality?.ToJsonString() != "\"text\""))
            throw OpenAiException.Unsupported("modalities", "Answers are text.");
        var limit = request.Integer("max_completion_tokens", 1, int.MaxValue);
        limit = request.Integer("max_tokens", 1, int.MaxValue) is { } older ? limit ?? older : limit;
        var sampling = SamplingParameters.Read(request, engine.Model.Tokenizer.Count) with
        {
            MaxNewTokens = Math.Min(limit ?? int.MaxValue, options.MaxTokens ?? int.MaxValue),
            TopLogProbabilities = withLogProbabilities ? top ?? 0 : null,
            Constraint = form.Constraint,
        };
        request.Ignore("user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention");
        request.Refuse("is not supported", "functions", "function_call", "audio", "prediction", "reasoning_effort", "verbosity", "web_search_options");
        var messages = await ChatMessages.ReadAsync(request, options, context.RequestAborted).ConfigureAwait(false);
        request.Finish();

        var (conversation, pictures) = await ChatRequests.ConversationAsync(engine.Model, messages, null, new() { Pictures = options.Pictures }, context.RequestAborted, form.Tools).ConfigureAwait(false);
        var generation = GenerationRequest.For(conversation, pictures, sampling) with { Client = OpenAiApi.Client(context), Adapter = model.Adapter };
        var updates = Choices.GenerateAsync(engine, Choices.Repeat(generation, count), context.RequestAborted);
        var head = new Head($"chatcmpl-{Guid.NewGuid():N}", options.Clock.GetUtcNow().ToUnixTimeSeconds(), model.Name);
        var texts = withLogProbabilities ? new TokenTexts(engine.Model.Tokenizer) : null;
        if (streams)
            await StreamAsync(context, updates, head, Readers(form, count), texts, withUsage).ConfigureAwait(false);
        else
            await WholeAsync(context, updates, head, Readers(form, count), texts).ConfigureAwait(false);
    }

    private static async Task WholeAsync(HttpContext context, IAsyncEnumerable<(int Index, GenerationUpdate Update)> updates, Head head, ToolCallReader?[] readers, TokenTexts? texts)
    {
        var results = new GenerationResult[readers.Length];
        var tokens = readers.Select(_ => new JsonArray()).ToArray();
        await foreach (var (index, update) in updates.ConfigureAwait(false))
        {
            if (update.Token is { } token)
                tokens[index].Add((JsonNode)texts!.Entry(token));
            results[index] = update.Result ?? results[index];
        }
        var reply = head.ToJson("chat.completion");
        reply["choices"] = new JsonArray([.. results.Select((result, index) => (JsonNode)new JsonObject
        {
            ["index"] = index,
            ["message"] = Message(result, readers[index]),
            ["logprobs"] = texts is null ? null : new JsonObject { ["content"] = tokens[index], ["refusal"] = null },
            ["finish_reason"] = Reason(result, readers[index]),
        })]);
        reply["usage"] = OpenAiApi.Usage(results);
        await OpenAiReplies.WriteAsync(context, reply).ConfigureAwait(false);
    }

    // one for each answer, where tools may be called
    private static ToolCallReader?[] Readers(AnswerForm form, int count) => [.. Enumerable.Range(0, count).Select(_ => form.Tools is { } tools ? new ToolCallReader(tools.Format) : null)];

    private static JsonObject Message(GenerationResult result, ToolCallReader? reader)
    {
        reader?.Push(result.Text);
        reader?.End();
        var message = new JsonObject { ["role"] = "assistant", ["content"] = reader is null ? result.Text : reader.Calls.Count > 0 && reader.Text.Length == 0 ? null : reader.Text, ["refusal"] = null, ["annotations"] = new JsonArray() };
        if (reader?.Calls.Count > 0)
            message["tool_calls"] = new JsonArray([.. reader.Calls.Select(call => (JsonNode)ToolMessages.Json(call))]);
        return message;
    }

    private static string Reason(GenerationResult result, ToolCallReader? reader) =>
        result.FinishReason != FinishReason.Length && reader?.Calls.Count > 0 ? "tool_calls" : Choices.Reason(result);

    private static async Task StreamAsync(HttpContext context, IAsyncEnumerable<(int Index, GenerationUpdate Update)> updates, Head head, ToolCallReader?[] readers, TokenTexts? texts, bool withUsage)
    {
        var results = new GenerationResult[readers.Length];
        var hasBegun = new bool[readers.Length];
        var hasText = new bool[readers.Length];
        await foreach (var (index, update) in updates.ConfigureAwait(false))
        {
            // errors of the request come before the first update, and have a status of their own
            if (!context.Response.HasStarted)
                OpenAiReplies.BeginStream(context);
            if (!hasBegun[index])
            {
                hasBegun[index] = true;
                await SendAsync(index, new() { ["role"] = "assistant", ["content"] = "", ["refusal"] = null }, null, null).ConfigureAwait(false);
            }
            // the whole answer is trimmed
            var text = hasText[index] ? update.Text : update.Text.TrimStart();
            hasText[index] |= text.Length > 0;
            IReadOnlyList<ToolCallPiece> pieces = readers[index] is not { } reader ? text.Length > 0 ? [new() { Text = text }] : []
                : update.Result is null ? reader.Push(text) : [.. reader.Push(text), .. reader.End()];
            var token = update.Token;
            foreach (var piece in pieces)
            {
                await SendAsync(index, ToolMessages.Delta(piece), token, null).ConfigureAwait(false);
                token = null;
            }
            if (token is not null)
                await SendAsync(index, new() { ["content"] = "" }, token, null).ConfigureAwait(false);
            if (update.Result is not { } result)
                continue;
            results[index] = result;
            await SendAsync(index, [], null, Reason(result, readers[index])).ConfigureAwait(false);
        }
        if (withUsage)
        {
            var last = head.ToJson("chat.completion.chunk");
            (last["choices"], last["usage"]) = (new JsonArray(), OpenAiApi.Usage(results));
            await OpenAiReplies.SendAsync(context, last).ConfigureAwait(false);
        }
        await OpenAiReplies.EndStreamAsync(context).ConfigureAwait(false);

        Task SendAsync(int index, JsonObject delta, GeneratedToken? token, string? reason)
        {
            var chunk = head.ToJson("chat.completion.chunk");
            chunk["choices"] = new JsonArray(new JsonObject
            {
                ["index"] = index,
                ["delta"] = delta,
                ["logprobs"] = token is null ? null : new JsonObject { ["content"] = new JsonArray(texts!.Entry(token)), ["refusal"] = null },
                ["finish_reason"] = reason,
            });
            if (withUsage)
                chunk["usage"] = null;
            return OpenAiReplies.SendAsync(context, chunk);
        }
    }

    private sealed record Head(string Id, long Created, string Model)
    {
        public JsonObject ToJson(string kind) => new() { ["id"] = Id, ["object"] = kind, ["created"] = Created, ["model"] = Model, ["system_fingerprint"] = null, ["service_tier"] = "default" };
    }
}
