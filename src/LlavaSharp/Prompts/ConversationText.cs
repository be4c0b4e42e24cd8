namespace LlavaSharp.Prompts;

/// <summary>What goes into a conversation's turns: pictures' markers, and texts that must not be taken for them.</summary>
internal static class ConversationText
{
    /// <summary>The heading in front of the system text of templates that write it themselves.</summary>
    private const string ChatMlHeading = "<|im_start|>system\n";

    /// <summary>Gives a conversation another system text, under the heading that its template has there.</summary>
    public static void SetSystem(Conversation conversation, string text) =>
        conversation.System = conversation.SeparatorStyle == SeparatorStyle.Mpt && conversation.System.StartsWith(ChatMlHeading, StringComparison.Ordinal)
            ? ChatMlHeading + text
            : text;

    /// <summary>Tells a conversation's model of tools: in its own template's way where it has one, else in the system text.</summary>
    public static void SetTools(Conversation conversation, ToolUse use)
    {
        if (ToolUse.IsSpokenBy(conversation.ChatTemplate))
            conversation.Tools = use.Tools;
        else
            conversation.System = $"{conversation.System}\n\n{ToolPrompt.Describe(use.Tools, use.Choice, use.Format)}".TrimStart('\n');
    }

    /// <summary>The system text without the heading: given to <see cref="SetSystem"/>, it makes the same conversation.</summary>
    /// <exception cref="PromptException">It stands without the heading that its template writes.</exception>
    public static string GetSystem(Conversation conversation) =>
        conversation.SeparatorStyle != SeparatorStyle.Mpt ? conversation.System
        : conversation.System.StartsWith(ChatMlHeading, StringComparison.Ordinal) ? conversation.System[ChatMlHeading.Length..]
        : throw new PromptException("The system text has no heading: it cannot be said as a message of the system.");

    /// <summary>An answer as it stands in the history: a marker that the model wrote is no picture, so it is taken out.</summary>
    public static string WithoutMarkers(string answer) => answer.Replace(LlavaConstants.ImageToken, "", StringComparison.Ordinal);
}
