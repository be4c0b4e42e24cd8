using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts;
using Microsoft.Extensions.AI;

namespace LlavaSharp;

/// <summary>Calls of tools and their results, between the messages of <see cref="IChatClient"/> and a conversation's turns.</summary>
/// <param name="isNative">Whether the model's own template writes them.</param>
internal sealed class ToolTurns(bool isNative)
{
    /// <summary>Who speaks in a result, as templates know it.</summary>
    public const string Role = "tool";

    private static readonly JsonSerializerOptions _form = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    private readonly Dictionary<string, ToolCall> _asked = new(StringComparer.Ordinal);

    public bool IsNative { get; } = isNative;

    /// <summary>A call as a content of a message.</summary>
    public static AIContent Content(ToolCall call) =>
        new FunctionCallContent(call.Id, call.Name, call.ReadArguments().ToDictionary(pair => pair.Key, pair => (object?)JsonSerializer.SerializeToElement(pair.Value)));

    /// <summary>Calls and results as a part of a turn's text.</summary>
    public static string Write(string text, IEnumerable<ToolCall> calls, IEnumerable<(ToolCall Call, string Result)> results) =>
        string.Join('\n', new[] { text }.Where(said => said.Length > 0)
            .Concat(calls.Select(call => ToolPrompt.Write(call)))
            .Concat(results.Select(result => ToolPrompt.WriteResult(result.Result))));

    /// <summary>Takes a call of the assistant.</summary>
    /// <exception cref="UnsupportedContentException">Its arguments have no JSON form.</exception>
    public ToolCall Ask(FunctionCallContent content)
    {
        var arguments = content.Arguments is null ? "{}" : Json(content.Arguments, content);
        var call = new ToolCall(content.CallId, content.Name, arguments);
        _asked[call.Id] = call;
        return call;
    }

    /// <summary>Takes the result of a call.</summary>
    /// <exception cref="PromptException">No message before it asks for that call.</exception>
    /// <exception cref="UnsupportedContentException">The result has no JSON form.</exception>
    public (ToolCall Call, string Result) Answer(FunctionResultContent content)
    {
        if (!_asked.TryGetValue(content.CallId, out var call))
            throw new PromptException($"There is a result of the call '{content.CallId}', but no message before it asks for that call.");
        return (call, content.Result switch
        {
            null => content.Exception is { } exception ? $"Error: {exception.Message}" : "",
            string text => text,
            JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
            JsonNode node => node.ToJsonString(),
            var other => Json(other, content),
        });
    }

    private static string Json(object value, AIContent content)
    {
        try
        {
            return JsonSerializer.Serialize(value, _form);
        }
        catch (Exception exception) when (exception is NotSupportedException or JsonException or InvalidOperationException)
        {
            throw new UnsupportedContentException(content.GetType().Name, $"{content.GetType().Name} holds a value that has no JSON form: {exception.Message}");
        }
    }
}
