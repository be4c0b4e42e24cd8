namespace LlavaSharp.Data.Synth;

/// <summary>The words of the synthetic world's answers.</summary>
public static class SynthWords
{
    /// <summary>The colours, in the order of <see cref="SynthColor"/>.</summary>
    public static IReadOnlyList<string> Colors { get; } = ["red", "green", "blue", "yellow", "purple", "orange", "black", "gray"];

    /// <summary>The shapes, in the order of <see cref="SynthShape"/>.</summary>
    public static IReadOnlyList<string> Shapes { get; } = ["circle", "square", "triangle", "star"];

    /// <summary>The sizes, in the order of <see cref="SynthSize"/>.</summary>
    public static IReadOnlyList<string> Sizes { get; } = ["small", "big"];

    /// <summary>The numbers zero to five. A count of nothing is answered "zero".</summary>
    public static IReadOnlyList<string> Numbers { get; } = ["zero", "one", "two", "three", "four", "five"];

    /// <summary>The nine places, row by row.</summary>
    public static IReadOnlyList<string> Places { get; } =
    [
        "top left", "top center", "top right",
        "middle left", "middle center", "middle right",
        "bottom left", "bottom center", "bottom right",
    ];

    /// <summary>The sentence that follows a question when a short answer is wanted, with the line break before it.</summary>
    public const string ShortAnswer = "\nAnswer the question using a single word or phrase.";

    /// <summary>"a" or "an", as the word that follows asks for.</summary>
    public static string Article(string word) => word.Length > 0 && "aeiou".Contains(word[0]) ? "an" : "a";

    /// <summary>"a big red circle at the top left".</summary>
    public static string Describe(SynthObject item) =>
        $"a {Sizes[(int)item.Size]} {Colors[(int)item.Color]} {Shapes[(int)item.Shape]} at the {Places[item.Cell]}";

    /// <summary>Every object with size, colour, shape and place, sorted from left to right by centre and joined by ", ".</summary>
    public static string Describe(SynthScene scene) =>
        string.Join(", ", scene.Objects.OrderBy(item => item.CenterX).ThenBy(item => item.CenterY).Select(Describe));
}
