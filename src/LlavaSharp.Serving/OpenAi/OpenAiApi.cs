using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Serving.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>OpenAI's interface over the models of this server: <c>/v1/models</c>, <c>/v1/chat/completions</c>, <c>/v1/completions</c>, <c>/v1/responses</c>.</summary>
public static class OpenAiApi
{
    /// <summary>Where a gate in front says who asks, in <see cref="HttpContext.Items"/>.</summary>
    internal const string ClientItem = "llava-client";

    private const string Owner = "llava";

    /// <summary>Maps the endpoints.</summary>
    /// <param name="app">The application.</param>
    /// <param name="models">The models.</param>
    /// <param name="options">Limits.</param>
    /// <returns>For the host to add what it asks of all of them, such as keys.</returns>
    public static IEndpointConventionBuilder MapOpenAi(this IEndpointRouteBuilder app, ServedModels models, OpenAiOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(models);
        options ??= new();
        var logger = app.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("openai");
        var group = app.MapGroup("/v1");
        group.MapGet("/models", OpenAiReplies.Guard(context => OpenAiReplies.WriteAsync(context, new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. models.All.Select(model => (JsonNode)Describe(model))]),
        }), logger));
        group.MapGet("/models/{**name}", OpenAiReplies.Guard(context => OpenAiReplies.WriteAsync(context, Describe(Find(models, (string)context.Request.RouteValues["name"]!))), logger));
        group.MapPost("/chat/completions", OpenAiReplies.Guard(new ChatCompletions(models, options).AnswerAsync, logger));
        group.MapPost("/responses", OpenAiReplies.Guard(new Responses(models, options).AnswerAsync, logger));
        group.MapPost("/completions", OpenAiReplies.Guard(new TextCompletions(models, options).AnswerAsync, logger));
        group.Map("/{**path}", OpenAiReplies.Guard(context => throw new OpenAiException(404, $"Unknown request URL: {context.Request.Method} {context.Request.Path}.", null, "unknown_url"), logger));
        return group;
    }

    /// <summary>The model that a request names.</summary>
    internal static ServedModel Find(ServedModels models, RequestObject request) => Find(models, request.RequiredText("model"));

    /// <summary>Who asks: engines let everybody have their turn.</summary>
    internal static string? Client(HttpContext context) => context.Items[ClientItem] as string ?? context.Connection.RemoteIpAddress?.ToString();

    /// <summary>What answers to one prompt took; the prompt counts once.</summary>
    internal static JsonObject Usage(IReadOnlyList<GenerationResult> results)
    {
        var (prompt, answer) = (results[0].PromptTokens, results.Sum(result => result.OutputIds.Count));
        return Usage(prompt, answer, results[0].Saved.PromptTokens);
    }

    /// <summary>What a request took.</summary>
    internal static JsonObject Usage(int prompt, int answer, int cached) => new()
    {
        ["prompt_tokens"] = prompt,
        ["completion_tokens"] = answer,
        ["total_tokens"] = prompt + answer,
        ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = cached, ["audio_tokens"] = 0 },
        ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0, ["audio_tokens"] = 0, ["accepted_prediction_tokens"] = 0, ["rejected_prediction_tokens"] = 0 },
    };

    private static ServedModel Find(ServedModels models, string name) =>
        models.Find(name) ?? throw new OpenAiException(404, $"The model '{name}' does not exist. There are: {string.Join(", ", models.All.Select(model => model.Name))}.", "model", "model_not_found");

    private static JsonObject Describe(ServedModel model) => new() { ["id"] = model.Name, ["object"] = "model", ["created"] = model.Created.ToUnixTimeSeconds(), ["owned_by"] = Owner };
}
