using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Prompts;

/// <summary>How tools, calls and results stand in a prompt whose template knows none of them.</summary>
public static class ToolPrompt
{
    private const string ResultOpening = "<tool_response>";
    private const string ResultClosing = "</tool_response>";

    private static readonly JsonSerializerOptions _form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What the system's text says of the tools.</summary>
    /// <param name="tools">The tools.</param>
    /// <param name="choice">Whether one must be called.</param>
    /// <param name="format">How calls are written; null: the usual marks.</param>
    public static string Describe(IReadOnlyList<ToolDefinition> tools, ToolChoice choice, ToolCallFormat? format = null)
    {
        ArgumentNullException.ThrowIfNull(tools);
        ArgumentNullException.ThrowIfNull(choice);
        format ??= ToolCallFormat.Default;
        var text = new StringBuilder("You can call these functions, each described in JSON on a line of its own:\n");
        foreach (var tool in tools)
            text.Append(Json(tool.ToJson()["function"]!)).Append('\n');
        text.Append("To call one, write ").Append(format.Opening).Append("{\"name\": NAME, \"arguments\": ARGUMENTS}").Append(format.Closing)
            .Append(", with the arguments as a JSON object. What the function returns follows between ").Append(ResultOpening).Append(" and ").Append(ResultClosing).Append('.');
        if (choice.Name is not null)
            text.Append(" Call ").Append(choice.Name).Append(" now.");
        else if (choice == ToolChoice.Required)
            text.Append(" Call at least one of them now.");
        else
            text.Append(" Call one only where it helps; else answer in words.");
        return ConversationText.WithoutMarkers(text.ToString());
    }

    /// <summary>A call as the model would have written it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="format">How calls are written; null: the usual marks.</param>
    /// <exception cref="PromptException">Its arguments are no JSON object.</exception>
    public static string Write(ToolCall call, ToolCallFormat? format = null)
    {
        ArgumentNullException.ThrowIfNull(call);
        format ??= ToolCallFormat.Default;
        var json = new JsonObject { ["name"] = call.Name, ["arguments"] = call.ReadArguments() };
        return ConversationText.WithoutMarkers($"{format.Opening}{Json(json)}{format.Closing}");
    }

    /// <summary>What a call gave back.</summary>
    /// <param name="result">A text, often JSON.</param>
    public static string WriteResult(string result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return ConversationText.WithoutMarkers($"{ResultOpening}{result}{ResultClosing}");
    }

    private static string Json(JsonNode node) => node.ToJsonString(_form);
}
