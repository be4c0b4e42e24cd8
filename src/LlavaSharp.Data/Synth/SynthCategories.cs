namespace LlavaSharp.Data.Synth;

/// <summary>The names of the question types in files and tables.</summary>
public static class SynthCategories
{
    private static readonly string[] _names =
    [
        "color", "shape", "count-all", "count-color", "count-shape", "presence", "place", "size",
        "relation-horizontal", "relation-vertical", "describe", "refusal", "out-of-world",
    ];

    /// <summary>Every type, in the order of tables.</summary>
    public static IReadOnlyList<SynthQuestionType> All { get; } = Enum.GetValues<SynthQuestionType>();

    /// <summary>"count-color" and the like.</summary>
    public static string NameOf(SynthQuestionType type) => _names[(int)type];

    /// <summary>The type of a name.</summary>
    /// <exception cref="UnknownNameException">There is no such category.</exception>
    public static SynthQuestionType Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var at = Array.IndexOf(_names, name);
        return at >= 0 ? (SynthQuestionType)at : throw new UnknownNameException("category of synthetic questions", name, _names);
    }
}
