namespace LlavaSharp.Data.Synth;

/// <summary>The centres of the eight colours; a scene varies each channel around them.</summary>
public static class SynthPalette
{
    private static readonly SynthRgb[] _centers =
    [
        new(220, 30, 30), new(30, 160, 50), new(40, 60, 220), new(235, 210, 40),
        new(140, 50, 170), new(245, 140, 30), new(20, 20, 20), new(130, 130, 130),
    ];

    /// <summary>The middle of a colour's range.</summary>
    public static SynthRgb Center(SynthColor color) => _centers[(int)color];

    /// <summary>A colour near the centre: each channel differs by at most <paramref name="jitter"/> and is cut to 0..255.</summary>
    internal static SynthRgb Vary(SynthColor color, int jitter, SynthRandom random)
    {
        var center = Center(color);
        return new(Channel(center.R), Channel(center.G), Channel(center.B));

        byte Channel(byte value) => (byte)Math.Clamp(value + random.Between(-jitter, jitter), 0, 255);
    }
}
