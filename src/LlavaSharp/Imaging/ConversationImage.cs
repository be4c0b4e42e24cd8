namespace LlavaSharp.Imaging;

/// <summary>What a conversation does to a picture before it is sent: the mode that the user chose, then a limit on its size.</summary>
public static class ConversationImage
{
    /// <summary>The longest side that is left alone (the original's <c>max_len</c>).</summary>
    public const int DefaultMaximumLength = 1344;

    /// <summary>The longest shorter side of a picture that is made smaller (the original's <c>min_len</c>).</summary>
    public const int DefaultMinimumLength = 672;

    private const int ResizedSide = 336;

    private static readonly (byte R, byte G, byte B) s_padColour = (122, 116, 104);

    /// <summary>The modes: <c>Pad</c>, <c>Default</c>, <c>Crop</c> (which does nothing here), <c>Resize</c> (to 336x336).</summary>
    public static IReadOnlyList<string> Modes { get; } = ["Pad", "Default", "Crop", "Resize"];

    /// <summary>Applies the mode; then, where the longer side exceeds <paramref name="maximumLength"/>, makes the picture smaller.</summary>
    /// <exception cref="UnknownNameException">The mode does not exist (the original: Invalid image_process_mode).</exception>
    /// <exception cref="ImageException">The picture is so thin that a side would become 0.</exception>
    public static Image Process(Image image, string mode, int maximumLength = DefaultMaximumLength, int minimumLength = DefaultMinimumLength)
    {
        ArgumentNullException.ThrowIfNull(image);
        var processed = mode switch
        {
            "Pad" => ImageGeometry.ExpandToSquare(image, s_padColour),
            "Resize" => PillowResize.Resize(image, ResizedSide, ResizedSide),
            _ => CheckMode(mode, image),
        };
        var (width, height) = LimitSize(processed.Width, processed.Height, maximumLength, minimumLength);
        return PillowResize.Resize(processed, width, height);
    }

    /// <summary>The same for a picture as it is stored in its file, which keeps its mode.</summary>
    internal static RawImage Process(RawImage image, string mode, int maximumLength = DefaultMaximumLength, int minimumLength = DefaultMinimumLength)
    {
        var processed = mode switch
        {
            "Pad" => ExpandToSquare(image),
            "Resize" => PillowResize.Resize(image, ResizedSide, ResizedSide),
            _ => CheckMode(mode, image),
        };
        var (width, height) = LimitSize(processed.Width, processed.Height, maximumLength, minimumLength);
        return PillowResize.Resize(processed, width, height);
    }

    /// <summary>The size after the limit on the longer side.</summary>
    /// <exception cref="ImageException">A side would become 0.</exception>
    internal static (int Width, int Height) LimitSize(int width, int height, int maximumLength, int minimumLength)
    {
        int longer = Math.Max(width, height), shorter = Math.Min(width, height);
        if (longer <= maximumLength)
            return (width, height);
        var ratio = (double)longer / shorter;
        var newShort = (int)Math.Min(Math.Min(maximumLength / ratio, minimumLength), shorter);
        var newLong = (int)(newShort * ratio);
        if (newShort == 0)
            throw new ImageException($"A picture of {width}x{height} pixels is too thin to be made {maximumLength} long: its shorter side would become 0. Pad it to a square first.");
        return width >= height ? (newLong, newShort) : (newShort, newLong);
    }

    private static T CheckMode<T>(string mode, T image) =>
        mode is "Default" or "Crop" ? image : throw new UnknownNameException("image_process_mode", mode, Modes);

    // A palette picture loses its palette on the way, as in the original: index 0 becomes the pad colour.
    private static RawImage ExpandToSquare(RawImage image)
    {
        if (image.Width == image.Height)
            return image;
        if (image.Mode is not (RawMode.Rgb or RawMode.Rgba or RawMode.Palette))
            throw new ImageException($"A picture of mode {image.ModeName} cannot be padded with a colour: convert it to RGB first.");
        var (side, left, top) = ImageGeometry.SquareAround(image.Width, image.Height);
        byte[] colour = [s_padColour.R, s_padColour.G, s_padColour.B, 255];
        byte[]? palette = null;
        if (image.Mode == RawMode.Palette)
        {
            palette = new byte[768];
            colour.AsSpan(0, 3).CopyTo(palette);
            colour = [0];
        }
        var size = image.BytesPerPixel;
        var canvas = new byte[checked(size * side * side)];
        for (var i = 0; i < canvas.Length; i += size)
            colour.AsSpan(0, size).CopyTo(canvas.AsSpan(i));
        for (var y = 0; y < image.Height; y++)
            image.Data.AsSpan(y * image.Width * size, image.Width * size).CopyTo(canvas.AsSpan(((top + y) * side + left) * size));
        return image with { Width = side, Height = side, Data = canvas, Palette = palette };
    }
}
