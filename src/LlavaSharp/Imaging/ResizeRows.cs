using System.Buffers;

namespace LlavaSharp.Imaging;

/// <summary>Pixels that may lie on a larger canvas of one colour (the pad of <c>expand2square</c>).</summary>
internal readonly ref struct PaddedPixels(ReadOnlySpan<byte> pixels, int width, int height, int channels)
{
    public readonly ReadOnlySpan<byte> Pixels = pixels;

    public int Width { get; } = width;

    public int Height { get; } = height;

    public int Channels { get; } = channels;

    /// <summary>Where the picture lies on the canvas.</summary>
    public int Left { get; init; }

    public int Top { get; init; }

    public int CanvasWidth { get; init; } = width;

    public int CanvasHeight { get; init; } = height;

    public (byte R, byte G, byte B) Fill { get; init; }
}

/// <summary>The full size of the resized picture, and the part of it that is wanted.</summary>
internal readonly record struct ResizeWindow(long Width, long Height, long Left, long Top, int Columns, int Rows);

/// <summary>The first pass: rows of the canvas, resized in width.</summary>
internal static unsafe class ResizeRows
{
    private const int Batch = 4;

    /// <summary>Writes the canvas rows [low, high), all of which cross the picture, with <paramref name="stored"/> bytes from row to row.</summary>
    public static void Narrow(in PaddedPixels source, int low, int high, in ResizeWindow window, ResizeCoefficients? across, byte* target, int stored)
    {
        var channels = source.Channels;
        var rowLength = source.Width * channels;
        var canvasLength = source.CanvasWidth * channels;
        // Rows are copied where they need a margin, or where reading a whole vector would leave the picture.
        var copies = ArrayPool<byte>.Shared.Rent(Batch * (canvasLength + ResizeKernels.Slack));
        try
        {
            fixed (byte* pixels = source.Pixels, buffers = copies)
            {
                var isWhole = source.CanvasWidth == source.Width;
                if (!isWhole)
                    for (var slot = 0; slot < Batch; slot++)
                        FillRow(buffers + (nint)slot * (canvasLength + ResizeKernels.Slack), source);
                byte** from = stackalloc byte*[Batch], to = stackalloc byte*[Batch];
                for (var y = low; y < high;)
                {
                    var count = across is not null && channels >= 3 && high - y >= Batch ? Batch : 1;
                    for (var slot = 0; slot < count; slot++)
                    {
                        var row = y + slot - source.Top;
                        from[slot] = pixels + (nint)row * rowLength;
                        to[slot] = target + (nint)(y + slot - low) * stored;
                        if (isWhole && row < source.Height - 1)
                            continue;
                        var buffer = buffers + (nint)slot * (canvasLength + ResizeKernels.Slack);
                        Buffer.MemoryCopy(from[slot], buffer + (nint)source.Left * channels, rowLength, rowLength);
                        from[slot] = buffer;
                    }
                    if (across is null)
                        Copy(from[0], window, channels, to[0]);
                    else if (count == Batch)
                        ResizeKernels.HorizontalFour(from, to, channels, across);
                    else
                        ResizeKernels.Horizontal(from[0], to[0], channels, across);
                    y += count;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copies);
        }
    }

    /// <summary>Writes one row of the canvas above or below the picture.</summary>
    public static void NarrowPlain(in PaddedPixels source, in ResizeWindow window, ResizeCoefficients? across, byte* target)
    {
        var row = ArrayPool<byte>.Shared.Rent(source.CanvasWidth * source.Channels + ResizeKernels.Slack);
        fixed (byte* buffer = row)
        {
            FillRow(buffer, source);
            if (across is null)
                Copy(buffer, window, source.Channels, target);
            else
                ResizeKernels.Horizontal(buffer, target, source.Channels, across);
        }
        ArrayPool<byte>.Shared.Return(row);
    }

    private static void Copy(byte* row, in ResizeWindow window, int channels, byte* target)
    {
        var length = window.Columns * channels;
        Buffer.MemoryCopy(row + (nint)window.Left * channels, target, length, length);
    }

    private static void FillRow(byte* row, in PaddedPixels source)
    {
        for (var x = 0; x < source.CanvasWidth; x++)
            (row[3 * x], row[3 * x + 1], row[3 * x + 2]) = source.Fill;
    }
}
