using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Serving.Hosting;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.OpenAi;

/// <summary><c>POST /v1/completions</c>: texts that are continued as they are, without a conversation around them.</summary>
internal sealed class TextCompletions(ServedModels models, OpenAiOptions options)
{
    private const int MostPrompts = 16;
    private const int MostTop = 5;          // log-probabilities at a place
    private const int DefaultTokens = 16;   // OpenAI's

    public async Task AnswerAsync(HttpContext context)
    {
        var request = await RequestObject.ReadAsync(context).ConfigureAwait(false);
        var model = OpenAiApi.Find(models, request);
        var streams = request.Flag("stream") ?? false;
        var streamOptions = request.Object("stream_options");
        var withUsage = streams && (streamOptions?.Flag("include_usage") ?? false);
        var count = request.Integer("n", 1, options.MaxChoices) ?? 1;
        var top = request.Integer("logprobs", 0, MostTop);
        var echoes = request.Flag("echo") ?? false;
        if (echoes && top is not null)
            throw OpenAiException.Unsupported("echo", "Log-probabilities of the prompt cannot be told: leave out 'echo' or 'logprobs'.");
        if (request.Integer("best_of", 1, options.MaxChoices) is { } best && best != count)
            throw OpenAiException.Unsupported("best_of", "All answers are given back: 'best_of' must be as large as 'n'.");
        var prompts = Prompts(request);
        if (prompts.Count * count > options.MaxChoices * MostPrompts)
            throw OpenAiException.Invalid("n", "These are too many answers for one request.");
        var sampling = SamplingParameters.Read(request, model.Engine.Model.Tokenizer.Count) with
        {
            MaxNewTokens = Math.Min(request.Integer("max_tokens", 0, int.MaxValue) ?? DefaultTokens, options.MaxTokens ?? int.MaxValue),
            TopLogProbabilities = top,
        };
        request.Ignore("user");
        request.Refuse("is not supported: text is continued at its end only", "suffix");
        request.Finish();

        var requests = prompts.SelectMany(prompt => Choices.Repeat(new() { Prompt = prompt, Options = sampling, Client = OpenAiApi.Client(context), Adapter = model.Adapter }, count)).ToArray();
        var updates = Choices.GenerateAsync(model.Engine, requests, context.RequestAborted);
        var (id, created) = ($"cmpl-{Guid.NewGuid():N}", options.Clock.GetUtcNow().ToUnixTimeSeconds());
        var texts = new TokenTexts(model.Engine.Model.Tokenizer);
        var said = requests.Select(_ => "").ToArray();
        var tokens = requests.Select(_ => new List<GeneratedToken>()).ToArray();
        var results = new GenerationResult[requests.Length];
        await foreach (var (index, update) in updates.ConfigureAwait(false))
        {
            if (update.Token is { } token)
                tokens[index].Add(token);
            results[index] = update.Result ?? results[index];
            var text = echoes && said[index].Length == 0 ? requests[index].Prompt + update.Text : update.Text;
            said[index] += text;
            if (!streams)
                continue;
            if (!context.Response.HasStarted)
                OpenAiReplies.BeginStream(context);
            if (text.Length > 0 || update.Token is not null || update.Result is not null)
                await OpenAiReplies.SendAsync(context, Reply(new JsonArray(Choice(index, text, update.Token is null ? [] : [update.Token], update.Result)), null)).ConfigureAwait(false);
        }
        var usage = OpenAiApi.Usage(
            results.Where((_, index) => index % count == 0).Sum(result => result.PromptTokens), results.Sum(result => result.OutputIds.Count), results.Where((_, index) => index % count == 0).Sum(result => result.Saved.PromptTokens));
        if (!streams)
        {
            await OpenAiReplies.WriteAsync(context, Reply(new JsonArray([.. results.Select((result, index) => (JsonNode)Choice(index, said[index], tokens[index], result))]), usage)).ConfigureAwait(false);
            return;
        }
        if (withUsage)
            await OpenAiReplies.SendAsync(context, Reply([], usage)).ConfigureAwait(false);
        await OpenAiReplies.EndStreamAsync(context).ConfigureAwait(false);

        JsonObject Reply(JsonArray choices, JsonObject? used)
        {
            var reply = new JsonObject { ["id"] = id, ["object"] = "text_completion", ["created"] = created, ["model"] = model.Name, ["system_fingerprint"] = null, ["choices"] = choices };
            if (used is not null || withUsage)
                reply["usage"] = used;
            return reply;
        }

        JsonObject Choice(int index, string text, IReadOnlyList<GeneratedToken> told, GenerationResult? result) => new()
        {
            ["index"] = index,
            ["text"] = text,
            ["logprobs"] = top is null || told.Count == 0 ? null : LogProbabilities(told, texts),
            ["finish_reason"] = result is null ? null : Choices.Reason(result),
        };
    }

    private static JsonObject LogProbabilities(IReadOnlyList<GeneratedToken> tokens, TokenTexts texts)
    {
        var names = tokens.Select(token => texts.Text(token.Id)).ToArray();
        var offsets = new JsonArray();
        var offset = 0;
        foreach (var name in names)
        {
            offsets.Add(offset);
            offset += name.Length;
        }
        return new()
        {
            ["tokens"] = new JsonArray([.. names.Select(name => (JsonNode)name)]),
            ["token_logprobs"] = new JsonArray([.. tokens.Select(token => (JsonNode)TokenTexts.Finite(token.LogProbability))]),
            ["top_logprobs"] = new JsonArray([.. tokens.Select(token => (JsonNode)new JsonObject(token.Top.DistinctBy(top => texts.Text(top.Id)).Select(top => KeyValuePair.Create(texts.Text(top.Id), (JsonNode?)TokenTexts.Finite(top.LogProbability)))))]),
            ["text_offset"] = offsets,
        };
    }

    private static IReadOnlyList<string> Prompts(RequestObject request)
    {
        switch (request.Node("prompt"))
        {
            case null:
                throw request.Missing("prompt");
            case JsonValue text when text.GetValueKind() == JsonValueKind.String:
                return [request.Text("prompt")!];
            case JsonArray { Count: > 0 and <= MostPrompts } list when list.All(item => item?.GetValueKind() == JsonValueKind.String):
                return request.Stops("prompt", MostPrompts);
            case JsonArray list when list.Count > MostPrompts && list.All(item => item?.GetValueKind() == JsonValueKind.String):
                throw OpenAiException.Invalid("prompt", $"At most {MostPrompts} prompts are taken at once.");
            default:
                throw OpenAiException.Unsupported("prompt", "Prompts are a text or a list of texts; ids of tokens cannot be taken.");
        }
    }
}
