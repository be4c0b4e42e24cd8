using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Constraints;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;
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

    /// <summary>What answers are held to by <c>format</c> (<c>"json"</c> or a schema) and <c>tools</c>.</summary>
    public static AnswerForm Form(RequestObject request, LlavaModel model)
    {
        var format = request.Node("format") switch
        {
            null => null,
            JsonObject schema => AnswerForm.Schema(schema, "format", model),
            JsonValue text when text.GetValueKind() == JsonValueKind.String => request.Text("format") switch
            {
                "" => null,
                "json" => JsonConstraint.ForAnyObject(model.Tokenizer),
                var other => throw OpenAiException.Invalid("format", $"format is '{other}': 'json' and JSON schemas are known"),
            },
            _ => throw OpenAiException.Invalid("format", "format is neither \"json\" nor a JSON schema"),
        };
        var tools = AnswerForm.Definitions(request);
        if (tools.Count == 0)
            return new(format, null);
        if (format is not null)
            throw OpenAiException.Unsupported("format", "an answer is held to a format or to calls of tools, not to both: leave one out");
        var use = new ToolUse(tools, ToolChoice.Auto, Many: true);
        return new(AnswerForm.Hold("tools", () => use.Constraint(model)), use);
    }

    /// <summary>Refuses what would change the answer and is not there.</summary>
    public static void RefuseWhatIsMissing(RequestObject request)
    {
        if (request.Node("think") is { } think && think.ToJsonString() is not "false")
            throw OpenAiException.Unsupported("think", "this model does not think aloud");
    }

    /// <summary>The messages of a chat.</summary>
    public static IReadOnlyList<ChatMessage> Messages(RequestObject request, OpenAiOptions options)
    {
        var pictures = 0;
        var open = new Queue<(string Id, string Name)>();   // calls have no ids: results come in their order, or by their name
        return [.. (request.List("messages") ?? []).Select((node, i) =>
        {
            var message = node is JsonObject json ? new RequestObject(json, $"messages[{i}].") : throw new OpenAiException(400, $"messages[{i}] is no object");
            var role = message.RequiredText("role") switch
            {
                "system" => ChatRole.System,
                "user" => ChatRole.User,
                "assistant" => ChatRole.Assistant,
                "tool" => ChatRole.Tool,
                var other => throw OpenAiException.Invalid("role", $"messages[{i}].role is '{other}': system, user, assistant and tool are known"),
            };
            if (role == ChatRole.Tool)
                return new ChatMessage(role, [Result(message, open)]);
            var calls = Calls(message, open);
            if (calls.Count > 0 && role != ChatRole.Assistant)
                throw OpenAiException.Unsupported("tool_calls", $"messages[{i}].tool_calls: calls belong to messages of the assistant");
            var images = Pictures(message, "images", options);
            if (images.Count > 0 && role != ChatRole.User)
                throw OpenAiException.Unsupported("images", $"messages[{i}].images: pictures belong to messages of the user");
            if ((pictures += images.Count) > options.MaxPictures)
                throw OpenAiException.Invalid("images", $"more than {options.MaxPictures} pictures are not taken in one request");
            return new ChatMessage(role, [.. images, new TextContent(message.Text("content") ?? ""), .. calls]);
        })];
    }

    private static List<AIContent> Calls(RequestObject message, Queue<(string, string)> open)
    {
        var list = message.List("tool_calls") ?? [];
        var calls = new List<AIContent>();
        for (var i = 0; i < list.Count; i++)
        {
            var call = AnswerForm.Object(list[i], $"{message.Path("tool_calls")}[{i}]");
            var function = call.Object("function") ?? throw call.Missing("function");
            var (id, name) = (ToolCall.NewId(), function.RequiredText("name"));
            var arguments = function.Object("arguments") is null ? "{}" : AnswerForm.Hold(function.Path("arguments"), () => Text(function.Node("arguments")!));
            open.Enqueue((id, name));
            calls.Add(ToolTurns.Content(new(id, name, arguments)));
        }
        return calls;
    }

    private static FunctionResultContent Result(RequestObject message, Queue<(string Id, string Name)> open)
    {
        var name = message.Text("tool_name") ?? message.Text("name");
        var waiting = open.ToList();
        var at = name is null ? 0 : Math.Max(0, waiting.FindIndex(call => call.Name == name));
        if (waiting.Count == 0)
            throw OpenAiException.Invalid("role", $"{message.Path("role")} is 'tool', but no call of a message before it waits for a result");
        open.Clear();
        foreach (var call in waiting.Where((_, index) => index != at))
            open.Enqueue(call);
        return new(waiting[at].Id, message.Text("content") ?? "");
    }

    private static string Text(JsonNode node)
    {
        try
        {
            return node.ToJsonString();
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            throw new PromptException(exception.Message);
        }
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
