namespace LlavaSharp.Prompts;

/// <summary>Whether an answer is a text or calls of tools.</summary>
public sealed record ToolChoice
{
    private ToolChoice(string mode, string? name = null) => (Mode, Name) = (mode, name);

    /// <summary>The model decides.</summary>
    public static ToolChoice Auto { get; } = new("auto");

    /// <summary>A text; the tools are not even told.</summary>
    public static ToolChoice None { get; } = new("none");

    /// <summary>One or more calls of any tools.</summary>
    public static ToolChoice Required { get; } = new("required");

    /// <summary><c>auto</c>, <c>none</c>, <c>required</c> or <c>named</c>.</summary>
    public string Mode { get; }

    /// <summary>The only tool that may be called, or null.</summary>
    public string? Name { get; }

    /// <summary>One call of this tool.</summary>
    public static ToolChoice Named(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new("named", name);
    }
}
