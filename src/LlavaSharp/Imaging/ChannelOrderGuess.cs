namespace LlavaSharp.Imaging;

/// <summary>
/// Q45: the original's processor guesses the channel order from the array's shape and tries channels-first first, so that a picture
/// of height 3 is taken for three channels, and one of height 1 for a gray one.
/// </summary>
internal static class ChannelOrderGuess
{
    /// <summary>Whether a picture of this height is misread.</summary>
    public static bool IsMisread(int height) => height is 1 or 3;

    /// <summary>The pictures as the original reads them in one call of its processor; the first picture decides for all.</summary>
    /// <exception cref="ImageException">The original fails on these pictures.</exception>
    public static IReadOnlyList<Image> Misread(IReadOnlyList<Image> images) =>
        images.Count > 0 && IsMisread(images[0].Height) ? [.. images.Select(Misread)] : images;

    // [3, W, 3] taken for [channel, row, column]: rows become channels, columns rows, and channels columns.
    private static Image Misread(Image image)
    {
        if (image.Height != 3)
            throw new ImageException($"A picture of height {image.Height} is read as channels-first (the original's fault Q45), and has no three channels then.");
        var misread = new byte[9 * image.Width];
        for (var row = 0; row < 3; row++)
            for (var column = 0; column < image.Width; column++)
                for (var channel = 0; channel < 3; channel++)
                    misread[(column * 3 + channel) * 3 + row] = image.Rgb[(row * image.Width + column) * 3 + channel];
        return Image.FromRgb(3, image.Width, misread);
    }
}
