namespace LlavaSharp.Imaging;

/// <summary>What IHDR says, and how a row of it becomes pixels.</summary>
internal readonly record struct PngHeader(int Width, int Height, int Depth, int Colour, int Channels, bool Interlaced)
{
    public bool IsPalette => Colour == 3;

    // 16-bit gray with alpha becomes RGBA, as in the original.
    public RawMode Mode => (Colour, Depth) switch
    {
        (0, 1) => RawMode.Bilevel,
        (0, 16) => RawMode.Gray16,
        (0, _) => RawMode.Gray,
        (2, _) => RawMode.Rgb,
        (3, _) => RawMode.Palette,
        (4, 8) => RawMode.GrayAlpha,
        _ => RawMode.Rgba,
    };

    public int PassColumns(int first, int step) => (Width - first + step - 1) / step;

    public int PassRows(int first, int step) => (Height - first + step - 1) / step;

    public int RowBytes(int columns) => columns == 0 ? 0 : checked((int)(((long)columns * Channels * Depth + 7) / 8));

    /// <summary>Turns an unfiltered row into pixels of <see cref="Mode"/>.</summary>
    public void Expand(ReadOnlySpan<byte> row, Span<byte> pixels)
    {
        switch (Depth)
        {
            case 8:
                row[..pixels.Length].CopyTo(pixels);
                return;
            case 16 when Mode == RawMode.Gray16:
                for (var i = 0; i + 1 < pixels.Length; i += 2)
                    (pixels[i], pixels[i + 1]) = (row[i + 1], row[i]);
                return;
            case 16 when Colour == 4:
                for (var i = 0; i + 3 < pixels.Length; i += 4)
                    (pixels[i], pixels[i + 1], pixels[i + 2], pixels[i + 3]) = (row[i], row[i], row[i], row[i + 2]);
                return;
            case 16:
                for (var i = 0; i < pixels.Length; i++)
                    pixels[i] = row[2 * i];
                return;
        }
        var mask = (1 << Depth) - 1;
        var scale = IsPalette ? 1 : 255 / mask;
        for (var i = 0; i < pixels.Length; i++)
        {
            var bit = i * Depth;
            pixels[i] = (byte)(((row[bit >> 3] >> (8 - Depth - (bit & 7))) & mask) * scale);
        }
    }
}
