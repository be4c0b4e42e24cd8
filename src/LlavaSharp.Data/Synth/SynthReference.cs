namespace LlavaSharp.Data.Synth;

/// <summary>What a question names: "the red circle", "the star" (no colour), "the yellow object" (no shape); at least one of the two is given.</summary>
/// <param name="Color">The colour, or null for any.</param>
/// <param name="Shape">The shape, or null for any.</param>
public readonly record struct SynthReference(SynthColor? Color, SynthShape? Shape)
{
    /// <summary>Whether this names the object.</summary>
    public bool Matches(SynthObject item) =>
        (Color is null || item.Color == Color) && (Shape is null || item.Shape == Shape);

    /// <summary>How many objects of the scene this names.</summary>
    public int CountIn(SynthScene scene)
    {
        var count = 0;
        foreach (var item in scene.Objects)
            count += Matches(item) ? 1 : 0;
        return count;
    }

    /// <summary>"red circle", "star", "yellow object".</summary>
    public string Noun => NounWith("object");

    /// <summary>"red circles", "stars", "yellow objects".</summary>
    public string Plural => Noun + "s";

    /// <summary>The noun with another word than "object" where no shape is named.</summary>
    internal string NounWith(string thing)
    {
        var shape = Shape is { } s ? SynthWords.Shapes[(int)s] : thing;
        return Color is { } c ? $"{SynthWords.Colors[(int)c]} {shape}" : shape;
    }
}
