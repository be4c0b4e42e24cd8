namespace LlavaSharp.Prompts;

/// <summary>How a model writes calls: an object of <c>name</c> and <c>arguments</c> between two marks.</summary>
/// <param name="Opening">What stands in front of a call.</param>
/// <param name="Closing">What stands behind it.</param>
public sealed record ToolCallFormat(string Opening, string Closing)
{
    /// <summary>The marks that most templates with tools use, and that models without such a template are told to use.</summary>
    public static ToolCallFormat Default { get; } = new("<tool_call>", "</tool_call>");

    /// <summary>Whether a chat template writes tools itself, and has calls in this form.</summary>
    /// <param name="source">The template.</param>
    internal bool IsSpokenBy(string source) => source.Contains(Opening, StringComparison.Ordinal) && source.Contains("tools", StringComparison.Ordinal);
}
