namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>What a chat template knows besides the conversation.</summary>
public sealed record ChatTemplateOptions
{
    /// <summary>Texts of special tokens by the names under which templates know them, such as <c>bos_token</c> and <c>eos_token</c>.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens { get; init; } = new Dictionary<string, string>();

    /// <summary>Tells the time to templates that write the date (<c>strftime_now</c>), in its local time zone.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>What the template may take at most.</summary>
    public ChatTemplateLimits Limits { get; init; } = ChatTemplateLimits.Default;
}
