using LlavaSharp.Imaging;

namespace LlavaSharp.Data.Synth;

/// <summary>A drawn picture: 8-bit RGB, row by row from the top, no padding.</summary>
/// <param name="Width">The width in pixels.</param>
/// <param name="Height">The height in pixels.</param>
/// <param name="Rgb">The pixels, <paramref name="Width"/> x <paramref name="Height"/> x 3 bytes.</param>
public sealed record SynthPicture(int Width, int Height, byte[] Rgb)
{
    /// <summary>The picture as the rest of the library takes it; the pixels are handed over, not copied, and must not be changed afterwards.</summary>
    public Image ToImage() => Image.FromRgb(Width, Height, Rgb);
}
