namespace LlavaSharp.Prompts;

/// <summary>The original's names of the separator styles.</summary>
public static class SeparatorStyles
{
    private static readonly (SeparatorStyle Style, string Name)[] Pairs =
    [
        (SeparatorStyle.Single, "SINGLE"),
        (SeparatorStyle.Two, "TWO"),
        (SeparatorStyle.Mpt, "MPT"),
        (SeparatorStyle.Plain, "PLAIN"),
        (SeparatorStyle.Llama2, "LLAMA_2"),
        (SeparatorStyle.ChatTemplate, "CHAT_TEMPLATE"),
    ];

    /// <summary>The name of a style, such as <c>LLAMA_2</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is no style.</exception>
    public static string ToName(SeparatorStyle style)
    {
        foreach (var pair in Pairs)
            if (pair.Style == style)
                return pair.Name;
        throw new ArgumentOutOfRangeException(nameof(style), style, "This is no separator style.");
    }

    /// <summary>The style of a name, such as <c>LLAMA_2</c>.</summary>
    /// <exception cref="UnknownNameException">There is no style of this name.</exception>
    public static SeparatorStyle FromName(string name)
    {
        foreach (var pair in Pairs)
            if (pair.Name == name)
                return pair.Style;
        throw new UnknownNameException("separator style", name, Pairs.Select(pair => pair.Name));
    }
}
