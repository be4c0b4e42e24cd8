namespace LlavaSharp.Prompts;

/// <summary>What a piece of an answer with calls of tools says.</summary>
public sealed record ToolCallPiece
{
    /// <summary>Text outside of calls; empty for none.</summary>
    public string Text { get; init; } = "";

    /// <summary>The number of the call that the piece belongs to, from 0; -1 for text.</summary>
    public int Index { get; init; } = -1;

    /// <summary>The call that begins here, its arguments still empty; else null.</summary>
    public ToolCall? Begun { get; init; }

    /// <summary>More of the arguments' JSON; empty for none.</summary>
    public string Arguments { get; init; } = "";

    /// <summary>The whole call where it ends here; else null.</summary>
    public ToolCall? Ended { get; init; }
}
