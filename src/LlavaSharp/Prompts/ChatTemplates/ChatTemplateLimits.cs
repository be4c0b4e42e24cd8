namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>What a chat template may take at most, so that one from a stranger can neither hang the program nor fill its memory.</summary>
public sealed record ChatTemplateLimits
{
    /// <summary>The limits that hold unless others are given: far above what conversations of a million tokens need.</summary>
    public static ChatTemplateLimits Default { get; } = new();

    /// <summary>The characters of the template itself; published ones have up to about 30,000.</summary>
    public int SourceLength { get; init; } = 1 << 18;

    /// <summary>How deep parentheses, blocks, calls of macros and values may be nested.</summary>
    public int Nesting { get; init; } = 400;

    /// <summary>How many expressions may be computed, and elements of lists made, while a conversation is written.</summary>
    public long Steps { get; init; } = 4_000_000;

    /// <summary>How many characters operations on texts may read and write together; at most this many are in memory.</summary>
    public long Characters { get; init; } = 1 << 26;

    /// <summary>The characters of the prompt.</summary>
    public int OutputLength { get; init; } = 1 << 24;
}
