namespace LlavaSharp.Data.Synth;

/// <summary>A picture of the synthetic world before it is drawn: a plain light background with one to five objects that neither overlap nor leave the picture.</summary>
public sealed record SynthScene
{
    /// <summary>The width in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>The height in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>The background; every channel is 225 to 255.</summary>
    public required SynthRgb Background { get; init; }

    /// <summary>The objects, in no special order.</summary>
    public required IReadOnlyList<SynthObject> Objects { get; init; }

    /// <summary>Whether edges are drawn smooth.</summary>
    public required bool AntiAliased { get; init; }

    /// <summary>The shorter side, which sizes are measured by.</summary>
    public int ShorterSide => Math.Min(Width, Height);
}
