namespace LlavaSharp.Data.Synth;

/// <summary>What scenes look like. The defaults are the world as the model card states it.</summary>
public sealed record SynthSceneOptions
{
    /// <summary>The world at sizes that cost little to draw and to resize, yet show every shape: shorter side from 64, longer one 96 to 240; fewer of the easy squares.</summary>
    public static SynthSceneOptions Training { get; } = new() { MinSide = 64, MinLongerSide = 96, MaxSide = 240, SquareShare = 0.3 };

    /// <summary>The least that either side may have, in pixels.</summary>
    public int MinSide { get; init; } = 96;

    /// <summary>The least that the longer side may have, in pixels.</summary>
    public int MinLongerSide { get; init; } = 96;

    /// <summary>The most that either side may have, in pixels.</summary>
    public int MaxSide { get; init; } = 640;

    /// <summary>The longest shape: 3 allows 3:1 to 1:3 (as far as the side limits do).</summary>
    public double MaxAspect { get; init; } = 3;

    /// <summary>The share of exactly square pictures; the others' shapes are spread evenly on a logarithmic scale.</summary>
    public double SquareShare { get; init; } = 0.45;

    /// <summary>How often a scene has one, two, ... objects (weights, one to five of them).</summary>
    public IReadOnlyList<double> ObjectCountWeights { get; init; } = [0.10, 0.17, 0.22, 0.25, 0.26];

    /// <summary>How far a channel of an object's colour may be from its centre.</summary>
    public int ColorJitter { get; init; } = 18;

    /// <summary>The share of scenes with smooth edges.</summary>
    public double AntiAliasedShare { get; init; } = 0.7;

    /// <summary>The share of scenes that draw from fewer colours than eight; without them, counting a colour is hardly ever more than "one" and is not learned.</summary>
    public double FewColorsShare { get; init; } = 0.6;

    /// <summary>The share of scenes that draw from fewer shapes than four, for the same reason.</summary>
    public double FewShapesShare { get; init; } = 0.45;

    /// <summary>How far centres stay from the lines between the nine places, as a share of the side.</summary>
    public double CellMargin { get; init; } = 0.02;

    /// <summary>The least gap between objects, as a share of the shorter side.</summary>
    public double Gap { get; init; } = 0.02;

    /// <summary>The least distance between centres from left to right, as a share of the shorter side, so that the order of a description is plain.</summary>
    public double OrderGap { get; init; } = 0.03;

    /// <summary>Checks the values.</summary>
    /// <exception cref="LlavaException">A value is outside its range.</exception>
    internal void Validate()
    {
        Require(MinSide >= 16, nameof(MinSide), MinSide, "at least 16");
        Require(MaxSide is >= 16 and <= 16384, nameof(MaxSide), MaxSide, "16 to 16384");
        Require(MinLongerSide <= MaxSide && MinSide <= MaxSide, nameof(MaxSide), MaxSide, "at least the smallest side");
        Require(MaxAspect is >= 1 and <= 8, nameof(MaxAspect), MaxAspect, "1 to 8");
        Require(SquareShare is >= 0 and <= 1, nameof(SquareShare), SquareShare, "0 to 1");
        Require(AntiAliasedShare is >= 0 and <= 1, nameof(AntiAliasedShare), AntiAliasedShare, "0 to 1");
        Require(FewColorsShare is >= 0 and <= 1, nameof(FewColorsShare), FewColorsShare, "0 to 1");
        Require(FewShapesShare is >= 0 and <= 1, nameof(FewShapesShare), FewShapesShare, "0 to 1");
        Require(ColorJitter is >= 0 and <= 25, nameof(ColorJitter), ColorJitter, "0 to 25 (further out, orange and yellow meet)");
        Require(CellMargin is >= 0 and <= 0.05, nameof(CellMargin), CellMargin, "0 to 0.05");
        Require(Gap is >= 0 and <= 0.1, nameof(Gap), Gap, "0 to 0.1");
        Require(OrderGap is >= 0 and <= 0.05, nameof(OrderGap), OrderGap, "0 to 0.05");
        Require(
            ObjectCountWeights.Count is >= 1 and <= 5 && ObjectCountWeights.All(w => w >= 0) && ObjectCountWeights.Any(w => w > 0),
            nameof(ObjectCountWeights), string.Join(", ", ObjectCountWeights), "one to five weights, none negative, one above zero");
    }

    private static void Require(bool condition, string name, object value, string range)
    {
        if (!condition)
            throw new LlavaException($"Synthetic scenes: {name} is {value}; it must be {range}.");
    }
}
