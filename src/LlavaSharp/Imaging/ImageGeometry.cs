namespace LlavaSharp.Imaging;

/// <summary>Padding to a square, sizes and crops: arithmetic that the original truncates in its own ways.</summary>
public static class ImageGeometry
{
    /// <summary>Pads to a square of the longer side; the picture lies in the middle, rounded towards the top or left.</summary>
    /// <exception cref="ImageException">The square does not fit into memory.</exception>
    public static Image ExpandToSquare(Image image, (byte R, byte G, byte B) colour)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (side, left, top) = SquareAround(image.Width, image.Height);
        if (image.Width == image.Height)
            return image;
        if (3L * side * side > Array.MaxLength)
            throw new ImageException($"A picture of {image.Width}x{image.Height} pixels cannot be padded to a square: it does not fit into memory.");
        var canvas = NewCanvas(side, side, colour);
        Paste(image, canvas, side, left, top);
        return Image.FromRgb(side, side, canvas);
    }

    /// <summary>The square that holds a picture of this size, and where the picture lies in it.</summary>
    public static (int Side, int Left, int Top) SquareAround(int width, int height) =>
        width >= height ? (width, 0, (width - height) / 2) : (height, (height - width) / 2, 0);

    /// <summary>
    /// The size when the shorter side becomes <paramref name="shortestEdge"/>; the longer one is truncated, not rounded.
    /// Long, because there is no limit: a strip of 1 x 1,000,000 pixels becomes 336 x 336,000,000 before it is cropped.
    /// </summary>
    public static (long Width, long Height) ShortestEdgeSize(int width, int height, int shortestEdge)
    {
        var (shorter, longer) = width <= height ? (width, height) : (height, width);
        var newLong = (long)((double)((long)shortestEdge * longer) / shorter);
        return width <= height ? (shortestEdge, newLong) : (newLong, shortestEdge);
    }

    /// <summary>
    /// One side of a centre crop as transformers 4.37.2 does it: where the crop begins in the picture (negative: that many zeros come first),
    /// and how long the result is. Where the picture is smaller than the crop by an odd number, the result is one smaller than asked.
    /// </summary>
    public static (long Start, int Length) CenterCrop(long side, int crop)
    {
        var start = side >= crop ? (side - crop) / 2 : -((crop - side) / 2);
        // An odd difference: the original asks for a slice that begins before the picture or ends behind it.
        var length = side >= crop ? crop : (int)(side + 2 * ((crop - side) / 2));
        return (start, length);
    }

    internal static byte[] NewCanvas(int width, int height, (byte R, byte G, byte B) colour)
    {
        var canvas = new byte[3 * width * height];
        if (colour != default)
            for (var i = 0; i < canvas.Length; i += 3)
                (canvas[i], canvas[i + 1], canvas[i + 2]) = colour;
        return canvas;
    }

    private static void Paste(Image image, byte[] canvas, int canvasWidth, int left, int top)
    {
        for (var y = 0; y < image.Height; y++)
            image.Rgb.Slice(3 * y * image.Width, 3 * image.Width).CopyTo(canvas.AsSpan(3 * ((top + y) * canvasWidth + left)));
    }
}
