using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>Reads the <c>input</c> of <c>/v1/responses</c>.</summary>
internal static class ResponseInput
{
    /// <summary>Reads it, and gets its pictures.</summary>
    public static async Task<IReadOnlyList<ChatMessage>> ReadAsync(RequestObject request, OpenAiOptions options, CancellationToken cancellation)
    {
        switch (request.Node("input"))
        {
            case null:
                throw request.Missing("input");
            case JsonValue text when text.GetValueKind() == JsonValueKind.String:
                return [new(ChatRole.User, request.Text("input"))];
            case JsonArray { Count: > 0 } list:
                var messages = new List<ChatMessage>();
                foreach (var (node, i) in list.Select((node, i) => (node, i)))
                    messages.Add(await ItemAsync(AnswerForm.Object(node, $"input[{i}]"), options, cancellation).ConfigureAwait(false));
                var pictures = messages.Sum(message => message.Contents.OfType<DataContent>().Count());
                return pictures <= options.MaxPictures ? messages : throw OpenAiException.Invalid("input", $"More than {options.MaxPictures} pictures are not taken in one request.", "too_many_images");
            default:
                throw request.Wrong("input", "a string or an array of at least one item");
        }
    }

    private static async Task<ChatMessage> ItemAsync(RequestObject item, OpenAiOptions options, CancellationToken cancellation)
    {
        if (item.Text("type") is { } type && type != "message")
            throw OpenAiException.Unsupported(item.Path("type"), $"Items of the type '{type}' cannot be taken here: only messages. Tools can be called through /v1/chat/completions.");
        var role = item.RequiredText("role") switch
        {
            "system" or "developer" => ChatRole.System,
            "user" => ChatRole.User,
            "assistant" => ChatRole.Assistant,
            var other => throw OpenAiException.Invalid(item.Path("role"), $"Invalid value: '{other}'. Supported values are: 'system', 'developer', 'user' and 'assistant'."),
        };
        item.Ignore("id", "status", "phase");   // of answers that are given back
        var contents = new List<AIContent>();
        if (item.Node("content") is JsonArray parts)
            for (var i = 0; i < parts.Count; i++)
                contents.Add(await PartAsync(AnswerForm.Object(parts[i], $"{item.Path("content")}[{i}]"), role, options, cancellation).ConfigureAwait(false));
        else
            contents.Add(new TextContent(item.RequiredText("content")));
        item.Finish();
        return new(role, contents);
    }

    private static async Task<AIContent> PartAsync(RequestObject part, ChatRole role, OpenAiOptions options, CancellationToken cancellation)
    {
        switch (part.RequiredText("type"))
        {
            case "input_text" or "output_text":
                var text = part.Text("text") ?? throw part.Missing("text");
                part.Ignore("annotations", "logprobs");
                part.Finish();
                return new TextContent(text);
            case "input_image" when role == ChatRole.User:
                part.Ignore("detail");   // a picture has as many tokens as the model gives it
                part.Refuse("cannot be taken: files are not kept", "file_id");
                var url = part.RequiredText("image_url");
                part.Finish();
                return await ChatMessages.PictureContentAsync(url, part.Path("image_url"), options, cancellation).ConfigureAwait(false);
            case var other:
                throw OpenAiException.Invalid(part.Path("type"), $"Invalid value: '{other}'. Supported values are: 'input_text', 'output_text'{(role == ChatRole.User ? " and 'input_image'" : "")}.");
        }
    }
}
