using LlavaSharp.Generation.Constraints;
using LlavaSharp.Prompts;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp;

/// <summary>The tools of a request.</summary>
/// <param name="Tools">What may be called.</param>
/// <param name="Choice">Whether the answer is a text or calls.</param>
/// <param name="Many">Whether there may be several calls.</param>
internal sealed record ToolUse(IReadOnlyList<ToolDefinition> Tools, ToolChoice Choice, bool Many)
{
    /// <summary>How calls are written.</summary>
    public ToolCallFormat Format { get; } = ToolCallFormat.Default;

    /// <summary>What an answer is held to.</summary>
    public JsonConstraint Constraint(LlavaModel model) => JsonConstraint.ForToolCalls(model.Tokenizer, Tools, Choice, Many, Format);

    /// <summary>Whether a model's own template writes tools, calls and results in this form.</summary>
    public static bool IsSpokenBy(ChatTemplate? template) => template is not null && ToolCallFormat.Default.IsSpokenBy(template.Source);
}
