using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts;
using Microsoft.Extensions.AI;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>Calls of tools, as requests and replies have them.</summary>
internal static class ToolMessages
{
    /// <summary>The calls of a message of the assistant.</summary>
    public static IEnumerable<AIContent> Calls(RequestObject message)
    {
        var list = message.List("tool_calls") ?? [];
        for (var i = 0; i < list.Count; i++)
        {
            var call = AnswerForm.Object(list[i], $"{message.Path("tool_calls")}[{i}]");
            call.Ignore("index");
            if (call.Text("type") is { } type && type != "function")
                throw OpenAiException.Unsupported(call.Path("type"), "Only calls of functions can be taken.");
            var id = call.RequiredText("id");
            var function = call.Object("function") ?? throw call.Missing("function");
            call.Finish();
            var (name, arguments) = (function.RequiredText("name"), function.Text("arguments") ?? "{}");
            function.Finish();
            yield return AnswerForm.Hold(function.Path("arguments"), () => ToolTurns.Content(new(id, name, arguments)));
        }
    }

    /// <summary>The result in a message of a tool.</summary>
    public static AIContent Result(RequestObject message)
    {
        var id = message.RequiredText("tool_call_id");
        return new FunctionResultContent(id, message.Node("content") switch
        {
            null => throw message.Missing("content"),
            JsonValue text when text.GetValueKind() == JsonValueKind.String => message.Text("content"),
            JsonArray parts => string.Concat(parts.Select((part, i) => AnswerForm.Object(part, $"{message.Path("content")}[{i}]").Text("text"))),
            _ => throw message.Wrong("content", "a string or an array"),
        });
    }

    /// <summary>A call as replies have it.</summary>
    public static JsonObject Json(ToolCall call) => new() { ["id"] = call.Id, ["type"] = "function", ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.Arguments } };

    /// <summary>What a piece of a stream adds to a message.</summary>
    public static JsonObject Delta(ToolCallPiece piece)
    {
        if (piece.Index < 0)
            return new() { ["content"] = piece.Text };
        var call = piece.Begun is { } begun ? Json(begun) : new() { ["function"] = new JsonObject { ["arguments"] = piece.Arguments } };
        call.Insert(0, "index", piece.Index);
        return new() { ["tool_calls"] = new JsonArray(call) };
    }
}
