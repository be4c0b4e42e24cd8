using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Serving.OpenAi;
using Microsoft.Extensions.AI;

namespace LlavaSharp.Serving.Ollama;

/// <summary>Reads the parts of Ollama's requests.</summary>
internal static class OllamaRequests
{
    // Ollama's defaults
    private const double Temperature = 0.8;
    private const double TopP = 0.9;
    private const int TopK = 40;
    private const int MostStops = 16;

    /// <summary>The <c>options</c>: how to generate.</summary>
    public static GenerationOptions Options(RequestObject request, int? mostTokens)
    {
        var options = request.Object("options") ?? new RequestObject([]);
        options.Refuse("is not supported", "mirostat", "typical_p", "min_p", "tfs_z");
        // -1: as many as fit; -2: until the context is full
        var limit = options.Integer("num_predict", -2, int.MaxValue) is >= 0 and var predicted ? predicted : int.MaxValue;
        return new()
        {
            MaxNewTokens = Math.Min(limit, mostTokens ?? int.MaxValue),
            Temperature = options.Number("temperature", 0, 10) ?? Temperature,
            TopP = options.Number("top_p", 0, 1) ?? TopP,
            TopK = options.Integer("top_k", 0, int.MaxValue) ?? TopK,
            RepetitionPenalty = options.Number("repeat_penalty", 0.01, 10) ?? 1,
            FrequencyPenalty = options.Number("frequency_penalty", -2, 2) ?? 0,
            PresencePenalty = options.Number("presence_penalty", -2, 2) ?? 0,
            // a negative seed is a new one every time
            Seed = options.Long("seed") is >= 0 and var seed ? (ulong)seed : null,
            StopStrings = [.. options.Stops("stop", MostStops).Where(stop => stop.Length > 0)],
        };
    }

    /// <summary>Refuses what would change the answer and is not there.</summary>
    public static void RefuseWhatIsMissing(RequestObject request)
    {
        if (request.Node("format") is { } format && format.ToJsonString() is not "\"\"")
            throw OpenAiException.Unsupported("format", "answers cannot be held to JSON here: ask for it in words");
        if (request.List("tools") is { Count: > 0 })
            throw OpenAiException.Unsupported("tools", "tools cannot be called here");
        if (request.Node("think") is { } think && think.ToJsonString() is not "false")
            throw OpenAiException.Unsupported("think", "this model does not think aloud");
    }

    /// <summary>The messages of a chat.</summary>
    public static IReadOnlyList<ChatMessage> Messages(RequestObject request, OpenAiOptions options)
    {
        var pictures = 0;
        return [.. (request.List("messages") ?? []).Select((node, i) =>
        {
            var message = node is JsonObject json ? new RequestObject(json, $"messages[{i}].") : throw new OpenAiException(400, $"messages[{i}] is no object");
            var role = message.RequiredText("role") switch
            {
                "system" => ChatRole.System,
                "user" => ChatRole.User,
                "assistant" => ChatRole.Assistant,
                var other => throw OpenAiException.Invalid("role", $"messages[{i}].role is '{other}': system, user and assistant are known"),
            };
            if (message.List("tool_calls") is { Count: > 0 })
                throw OpenAiException.Unsupported("tool_calls", $"messages[{i}].tool_calls cannot be taken");
            var images = Pictures(message, "images", options);
            if (images.Count > 0 && role != ChatRole.User)
                throw OpenAiException.Unsupported("images", $"messages[{i}].images: pictures belong to messages of the user");
            if ((pictures += images.Count) > options.MaxPictures)
                throw OpenAiException.Invalid("images", $"more than {options.MaxPictures} pictures are not taken in one request");
            return new ChatMessage(role, [.. images, new TextContent(message.Text("content") ?? "")]);
        })];
    }

    /// <summary>A list of pictures in base64.</summary>
    public static IReadOnlyList<AIContent> Pictures(RequestObject request, string key, OpenAiOptions options)
    {
        var list = request.List(key) ?? [];
        if (list.Count > options.MaxPictures)
            throw OpenAiException.Invalid(key, $"more than {options.MaxPictures} pictures are not taken in one request");
        return [.. list.Select((node, i) =>
        {
            var path = $"{request.Path(key)}[{i}]";
            if (node is not JsonValue text || text.GetValueKind() != JsonValueKind.String || !text.TryGetValue<string>(out var base64))
                throw OpenAiException.Invalid(path, $"{path} is no text");
            try
            {
                var bytes = Convert.FromBase64String(base64);
                _ = Image.FromBytes(bytes, options.Pictures);   // so that an error names its place
                return (AIContent)new DataContent(bytes, "image/*");
            }
            catch (Exception exception) when (exception is FormatException or ImageException)
            {
                throw OpenAiException.Invalid(path, $"{path}: {(exception is FormatException ? "this is no base64" : exception.Message)}");
            }
        })];
    }
}
