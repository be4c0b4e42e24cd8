namespace LlavaSharp.Imaging;

/// <summary>What a sample means, with the names that Pillow gives to its modes.</summary>
internal enum RawMode
{
    /// <summary>"1": one byte a pixel, 0 or 255.</summary>
    Bilevel,

    /// <summary>"L": one byte of gray a pixel.</summary>
    Gray,

    /// <summary>"LA": gray and alpha.</summary>
    GrayAlpha,

    /// <summary>"P": one palette index a pixel.</summary>
    Palette,

    /// <summary>"I;16": 16-bit gray, little endian.</summary>
    Gray16,

    /// <summary>"RGB".</summary>
    Rgb,

    /// <summary>"RGBA", not premultiplied.</summary>
    Rgba,
}

/// <summary>A picture as it is stored in its file, before the conversion to RGB. <paramref name="Palette"/> holds 256 RGB triples (mode P only).</summary>
internal sealed record RawImage(RawMode Mode, int Width, int Height, byte[] Data, byte[]? Palette = null)
{
    public int BytesPerPixel => BytesOf(Mode);

    /// <summary>The name of the mode in the original's terms.</summary>
    public string ModeName => Mode switch
    {
        RawMode.Bilevel => "1",
        RawMode.Gray => "L",
        RawMode.GrayAlpha => "LA",
        RawMode.Palette => "P",
        RawMode.Gray16 => "I;16",
        RawMode.Rgb => "RGB",
        _ => "RGBA",
    };

    public static int BytesOf(RawMode mode) => mode switch
    {
        RawMode.Bilevel or RawMode.Gray or RawMode.Palette => 1,
        RawMode.GrayAlpha or RawMode.Gray16 => 2,
        RawMode.Rgb => 3,
        _ => 4,
    };

    /// <summary>Whether the first colours of a palette are gray of their own index, so that the original opens the picture as gray.</summary>
    public static bool IsGrayRamp(ReadOnlySpan<byte> palette, int colours)
    {
        for (var i = 0; i < 3 * colours; i++)
            if (palette[i] != i / 3)
                return false;
        return true;
    }

    /// <summary>The samples of one pixel: colours and alpha, or a palette index.</summary>
    public ReadOnlySpan<byte> PixelAt(int x, int y) => Data.AsSpan((y * Width + x) * BytesPerPixel, BytesPerPixel);

    /// <summary>
    /// RGB as the original converts: alpha and transparency are dropped, not blended; 16-bit gray is clipped to 255, not shifted.
    /// </summary>
    public Image ToRgb()
    {
        if (Mode == RawMode.Rgb)
            return Image.FromRgb(Width, Height, Data);
        var rgb = GC.AllocateUninitializedArray<byte>(3 * Width * Height);
        var stride = BytesPerPixel;
        for (int from = 0, to = 0; to < rgb.Length; from += stride, to += 3)
            switch (Mode)
            {
                case RawMode.Palette:
                    Palette.AsSpan(3 * Data[from], 3).CopyTo(rgb.AsSpan(to));
                    break;
                case RawMode.Rgba:
                    (rgb[to], rgb[to + 1], rgb[to + 2]) = (Data[from], Data[from + 1], Data[from + 2]);
                    break;
                case RawMode.Gray16:
                    rgb[to] = rgb[to + 1] = rgb[to + 2] = Data[from + 1] != 0 ? (byte)255 : Data[from];
                    break;
                default:
                    rgb[to] = rgb[to + 1] = rgb[to + 2] = Data[from];
                    break;
            }
        return Mode == RawMode.Gray ? Image.FromGray(Width, Height, rgb) : Image.FromRgb(Width, Height, rgb);
    }
}
