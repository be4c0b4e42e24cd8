using System.Buffers;

namespace LlavaSharp.Imaging;

/// <summary>
/// Bicubic resizing bit for bit as Pillow's: fixed-point weights, first all rows into an 8-bit intermediate, then all columns.
/// LLaVA was trained on pictures resized so; other filters of the same name give other numbers.
/// </summary>
public static class PillowResize
{
    /// <summary>Resizes to <paramref name="width"/> x <paramref name="height"/> without keeping the aspect ratio; the same size gives the same picture.</summary>
    /// <exception cref="ImageException">A side is zero, or the result does not fit into memory.</exception>
    public static Image Resize(Image image, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(image);
        CheckTarget(width, height, 3);
        if (image.Size == (width, height))
            return image;
        var rgb = GC.AllocateUninitializedArray<byte>(3 * width * height);
        Resample(new PaddedPixels(image.Rgb, image.Width, image.Height, 3), new ResizeWindow(width, height, 0, 0, width, height), rgb, 3 * width);
        return image.IsGray ? Image.FromGray(width, height, rgb) : Image.FromRgb(width, height, rgb);
    }

    /// <summary>Resizes a picture as it is stored: with premultiplied alpha where it has one, by nearest neighbour in the modes P, 1 and I;16.</summary>
    internal static RawImage Resize(RawImage image, int width, int height)
    {
        CheckTarget(width, height, image.BytesPerPixel);
        if ((image.Width, image.Height) == (width, height))
            return image;
        if (image.Mode is RawMode.Palette or RawMode.Bilevel or RawMode.Gray16)
            return Nearest(image, width, height);
        var channels = image.BytesPerPixel;
        var hasAlpha = image.Mode is RawMode.Rgba or RawMode.GrayAlpha;
        var source = hasAlpha ? Premultiply(image.Data, channels) : image.Data;
        var result = new byte[channels * width * height];
        Resample(new PaddedPixels(source, image.Width, image.Height, channels), new ResizeWindow(width, height, 0, 0, width, height), result, channels * width);
        if (hasAlpha)
            Unpremultiply(result, channels);
        return image with { Width = width, Height = height, Data = result };
    }

    /// <summary>
    /// Computes a window of the resized picture, and no more than is needed for it. The picture may lie on a larger canvas of one
    /// colour, which is never built. <paramref name="stride"/> is the length of a row of <paramref name="target"/>.
    /// </summary>
    internal static unsafe void Resample(in PaddedPixels source, in ResizeWindow window, Span<byte> target, int stride)
    {
        var rowBytes = window.Columns * source.Channels;
        var across = window.Width == source.CanvasWidth ? null : ResizeCoefficients.Create(source.CanvasWidth, window.Width, window.Left, window.Columns);
        var down = window.Height == source.CanvasHeight ? null : ResizeCoefficients.Create(source.CanvasHeight, window.Height, window.Top, window.Rows);

        // The canvas rows that are needed, and those of them that cross the picture: [low, high).
        var first = down is null ? (int)window.Top : down.First.Min();
        var end = down is null ? (int)window.Top + window.Rows : Enumerable.Range(0, window.Rows).Max(y => down.First[y] + down.Count[y]);
        var low = Math.Clamp(source.Top, first, end);
        var high = Math.Clamp(source.Top + source.Height, low, end);
        var stored = rowBytes + ResizeKernels.Slack;
        if ((high - low + 1L) * stored > Array.MaxLength)
            throw new ImageException($"A picture of {source.Width}x{source.Height} pixels is too long to be resized to {window.Width}x{window.Height}.");

        var intermediate = ArrayPool<byte>.Shared.Rent((high - low + 1) * stored);
        var pointers = ArrayPool<nint>.Shared.Rent(down?.Taps ?? 1);
        try
        {
            fixed (byte* rows = intermediate, to = target)
            fixed (nint* taken = pointers)
            fixed (int* weights = down?.Weights)
            {
                // Behind the picture's rows lies one row of the canvas' colour.
                var plain = rows + (nint)(high - low) * stored;
                ResizeRows.Narrow(source, low, high, window, across, rows, stored);
                if (first < low || end > high)
                    ResizeRows.NarrowPlain(source, window, across, plain);
                for (var y = 0; y < window.Rows; y++)
                {
                    var count = down is null ? 1 : down.Count[y];
                    var from = down is null ? first + y : down.First[y];
                    for (var t = 0; t < count; t++)
                        taken[t] = (nint)(from + t >= low && from + t < high ? rows + (nint)(from + t - low) * stored : plain);
                    if (down is null)
                        new ReadOnlySpan<byte>((byte*)taken[0], rowBytes).CopyTo(target[(y * stride)..]);
                    else
                        ResizeKernels.Vertical((byte**)taken, weights + (nint)y * down.Taps, count, to + (nint)y * stride, rowBytes);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(intermediate);
            ArrayPool<nint>.Shared.Return(pointers);
        }
    }

    private static RawImage Nearest(RawImage image, int width, int height)
    {
        var size = image.BytesPerPixel;
        var result = new byte[size * width * height];
        var columns = NearestPositions(image.Width, width);
        var rows = NearestPositions(image.Height, height);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                image.PixelAt(columns[x], rows[y]).CopyTo(result.AsSpan((y * width + x) * size));
        return image with { Width = width, Height = height, Data = result };
    }

    // Pillow adds up the step, so rounding errors add up as well.
    private static int[] NearestPositions(int input, int output)
    {
        var step = (double)input / output;
        var position = step * 0.5;
        var positions = new int[output];
        for (var i = 0; i < output; i++, position += step)
            positions[i] = Math.Min((int)position, input - 1);
        return positions;
    }

    private static byte[] Premultiply(byte[] pixels, int channels)
    {
        var result = new byte[pixels.Length];
        for (var i = 0; i < pixels.Length; i += channels)
        {
            var alpha = result[i + channels - 1] = pixels[i + channels - 1];
            for (var c = 0; c < channels - 1; c++)
            {
                var product = pixels[i + c] * alpha + 128;
                result[i + c] = (byte)(((product >> 8) + product) >> 8);
            }
        }
        return result;
    }

    private static void Unpremultiply(byte[] pixels, int channels)
    {
        for (var i = 0; i < pixels.Length; i += channels)
            if (pixels[i + channels - 1] is var alpha and not (0 or 255))
                for (var c = 0; c < channels - 1; c++)
                    pixels[i + c] = (byte)Math.Min(255 * pixels[i + c] / alpha, 255);
    }

    private static void CheckTarget(int width, int height, int bytesPerPixel)
    {
        if (width <= 0 || height <= 0)
            throw new ImageException($"A picture cannot be resized to {width}x{height}: both sides must be at least 1.");
        if ((long)width * height * bytesPerPixel > Array.MaxLength)
            throw new ImageException($"A picture cannot be resized to {width}x{height}: it does not fit into memory.");
    }
}
