namespace LlavaSharp.Data.Synth;

/// <summary>A picture from outside the world before it is drawn.</summary>
/// <param name="Kind">What it shows.</param>
/// <param name="Width">The width in pixels.</param>
/// <param name="Height">The height in pixels.</param>
/// <param name="Seed">What its random numbers come from.</param>
public sealed record SynthOffTopicPicture(SynthOffTopicKind Kind, int Width, int Height, long Seed)
{
    /// <summary>Draws the picture; the same record always gives the same pixels.</summary>
    public SynthPicture Draw() => new(Width, Height, SynthOffTopicPainter.Paint(this));
}
