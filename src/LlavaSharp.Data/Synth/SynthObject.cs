namespace LlavaSharp.Data.Synth;

/// <summary>One object of a scene; lengths are in pixels, y grows downwards, and pixel (0, 0) covers [0, 1) x [0, 1).</summary>
public sealed record SynthObject
{
    /// <summary>What it is.</summary>
    public required SynthShape Shape { get; init; }

    /// <summary>The name of its colour.</summary>
    public required SynthColor Color { get; init; }

    /// <summary>Whether it counts as big or small.</summary>
    public required SynthSize Size { get; init; }

    /// <summary>The centre, from the left edge.</summary>
    public required double CenterX { get; init; }

    /// <summary>The centre, from the upper edge.</summary>
    public required double CenterY { get; init; }

    /// <summary>The outer radius: no part of the object is further from the centre than this along either axis.</summary>
    public required double Radius { get; init; }

    /// <summary>
    /// How much of the box of 2 x 2 radii squares and triangles fill: 0 for corners on the circle of <see cref="Radius"/>, 1 for the whole box.
    /// Programs that draw such pictures differ in what they call the radius of a square, so both readings and those between occur.
    /// </summary>
    public required double Fullness { get; init; }

    /// <summary>The colour it is drawn in.</summary>
    public required SynthRgb Rgb { get; init; }

    /// <summary>The place of the centre, 0 to 8 row by row: 0 top left, 4 middle center, 8 bottom right.</summary>
    public required int Cell { get; init; }

    /// <summary>Half the width of the outline.</summary>
    public double HalfWidth => Shape switch
    {
        SynthShape.Square => Radius * Blend(0.70710678118654752, 1),
        SynthShape.Triangle => Radius * Blend(0.86602540378443865, 1),
        SynthShape.Star => Radius * 0.95105651629515357,
        _ => Radius,
    };

    /// <summary>How far the outline reaches below the centre (above it, it reaches <see cref="Radius"/>, or <see cref="HalfWidth"/> for a square).</summary>
    public double Drop => Shape switch
    {
        SynthShape.Square => HalfWidth,
        SynthShape.Triangle => Radius * Blend(0.5, 1),
        SynthShape.Star => Radius * 0.80901699437494742,
        _ => Radius,
    };

    /// <summary>The distance from the centre to the furthest point of the outline.</summary>
    public double Reach => Shape switch
    {
        SynthShape.Square => HalfWidth * 1.4142135623730951,
        SynthShape.Triangle => Math.Max(Radius, Math.Sqrt(HalfWidth * HalfWidth + Drop * Drop)),
        _ => Radius,
    };

    private double Blend(double inscribed, double full) => inscribed + (full - inscribed) * Fullness;
}
