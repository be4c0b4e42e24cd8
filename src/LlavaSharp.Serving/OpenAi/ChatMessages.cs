using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.Serving.Security;
using Microsoft.Extensions.AI;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>Reads the messages of a request.</summary>
internal static class ChatMessages
{
    private const string DataScheme = "data:";

    /// <summary>Reads them, and gets their pictures.</summary>
    public static async Task<IReadOnlyList<ChatMessage>> ReadAsync(RequestObject request, OpenAiOptions options, CancellationToken cancellation)
    {
        var list = request.List("messages") ?? throw request.Missing("messages");
        if (list.Count == 0)
            throw OpenAiException.Invalid("messages", "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.", "empty_array");
        var messages = new List<ChatMessage>(list.Count);
        var pictures = 0;
        for (var i = 0; i < list.Count; i++)
        {
            var prefix = $"messages[{i}].";
            var message = list[i] is JsonObject json ? new RequestObject(json, prefix) : throw new OpenAiException(400, $"Invalid type for 'messages[{i}]': expected an object.", $"messages[{i}]", "invalid_type");
            var role = message.RequiredText("role") switch
            {
                "system" or "developer" => ChatRole.System,
                "user" => ChatRole.User,
                "assistant" => ChatRole.Assistant,
                "tool" => ChatRole.Tool,
                "function" => throw OpenAiException.Unsupported($"{prefix}role", "Functions of the older form cannot be taken: use 'tools', and the role 'tool'."),
                var other => throw OpenAiException.Invalid($"{prefix}role", $"Invalid value: '{other}'. Supported values are: 'system', 'developer', 'user', 'assistant' and 'tool'."),
            };
            message.Ignore("name", "refusal", "annotations");
            message.Refuse("cannot be taken", "function_call", "audio");
            var contents = new List<AIContent>();
            if (role == ChatRole.Tool)
            {
                messages.Add(new(role, [ToolMessages.Result(message)]));
                message.Finish();
                continue;
            }
            if (role == ChatRole.Assistant)
                contents.AddRange(ToolMessages.Calls(message));
            switch (message.Node("content"))
            {
                case null when contents.Count > 0:
                    break;
                case null:
                    throw message.Missing("content");
                case JsonValue text when text.GetValueKind() == JsonValueKind.String:
                    contents.Add(new TextContent(message.Text("content")));
                    break;
                case JsonArray parts:
                    for (var part = 0; part < parts.Count; part++)
                    {
                        var content = await PartAsync(parts[part], $"{prefix}content[{part}]", role, options, cancellation).ConfigureAwait(false);
                        contents.Add(content);
                        if (content is DataContent && ++pictures > options.MaxPictures)
                            throw OpenAiException.Invalid("messages", $"More than {options.MaxPictures} pictures are not taken in one request.", "too_many_images");
                    }
                    break;
                default:
                    throw message.Wrong("content", "a string or an array");
            }
            message.Finish();
            messages.Add(new(role, contents));
        }
        return messages;
    }

    /// <summary>The bytes of a picture that a client names: in the name itself, or fetched where the server does that.</summary>
    /// <exception cref="OpenAiException">It cannot be had.</exception>
    public static async Task<byte[]> PictureAsync(string url, string path, OpenAiOptions options, CancellationToken cancellation)
    {
        if (!url.StartsWith(DataScheme, StringComparison.OrdinalIgnoreCase))
            try
            {
                return options.Fetcher is { } fetcher ? await fetcher.FetchAsync(url, cancellation).ConfigureAwait(false)
                    : throw OpenAiException.Invalid(path, "This server fetches no pictures. Send them as data: URIs.", "invalid_image_url");
            }
            catch (ImageFetchException exception)
            {
                throw OpenAiException.Invalid(path, exception.Message, "invalid_image_url");
            }
        var comma = url.IndexOf(',', StringComparison.Ordinal);
        if (comma < 0 || !url.AsSpan(DataScheme.Length, comma - DataScheme.Length).EndsWith(";base64", StringComparison.OrdinalIgnoreCase))
            throw OpenAiException.Invalid(path, "The picture's data: URI must hold base64: data:image/png;base64,...", "invalid_base64");
        try
        {
            return Convert.FromBase64String(url[(comma + 1)..]);
        }
        catch (FormatException)
        {
            throw OpenAiException.Invalid(path, "The picture's data: URI holds no base64.", "invalid_base64");
        }
    }

    /// <summary>A picture that a client names, as a content of a message.</summary>
    /// <exception cref="OpenAiException">It cannot be had, or is no picture.</exception>
    public static async Task<AIContent> PictureContentAsync(string url, string path, OpenAiOptions options, CancellationToken cancellation)
    {
        var bytes = await PictureAsync(url, path, options, cancellation).ConfigureAwait(false);
        try
        {
            // decoded once here, so that an error names its place
            _ = Image.FromBytes(bytes, options.Pictures);
        }
        catch (ImageException exception)
        {
            throw OpenAiException.Invalid(path, exception.Message, "invalid_image");
        }
        return new DataContent(bytes, "image/*");
    }

    private static async Task<AIContent> PartAsync(JsonNode? node, string path, ChatRole role, OpenAiOptions options, CancellationToken cancellation)
    {
        var part = node is JsonObject json ? new RequestObject(json, $"{path}.") : throw new OpenAiException(400, $"Invalid type for '{path}': expected an object.", path, "invalid_type");
        switch (part.RequiredText("type"))
        {
            case "text":
                var text = part.Text("text") ?? throw part.Missing("text");
                part.Finish();
                return new TextContent(text);
            case "image_url" when role == ChatRole.User:
                var image = part.Object("image_url") ?? throw part.Missing("image_url");
                var url = image.RequiredText("url");
                image.Ignore("detail");   // a picture has as many tokens as the model gives it
                image.Finish();
                part.Finish();
                return await PictureContentAsync(url, image.Path("url"), options, cancellation).ConfigureAwait(false);
            case var other:
                throw OpenAiException.Invalid(part.Path("type"), $"Invalid value: '{other}'. Supported values are: 'text'{(role == ChatRole.User ? " and 'image_url'" : "")}.");
        }
    }
}
