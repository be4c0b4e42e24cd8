using System.Runtime.InteropServices;

namespace LlavaSharp.Data.Synth;

/// <summary>Draws scenes. Thread safe; the same scene always gives the same pixels.</summary>
/// <remarks>
/// Every shape is cut into horizontal spans. Smooth edges take four spans a row and the exact share of a pixel that a span covers along x;
/// hard edges take one span a row and the pixels whose centre is inside.
/// </remarks>
public static class SynthRenderer
{
    private const int SubRows = 4;

    /// <summary>Draws a scene at its own size.</summary>
    public static SynthPicture Draw(SynthScene scene)
    {
        ArgumentNullException.ThrowIfNull(scene);
        var rgb = GC.AllocateUninitializedArray<byte>(checked(scene.Width * scene.Height * 3));
        Draw(scene, rgb);
        return new(scene.Width, scene.Height, rgb);
    }

    /// <summary>Draws a scene into a buffer of Width x Height x 3 bytes (RGB, row by row).</summary>
    /// <exception cref="ArgumentException">The buffer has another length.</exception>
    public static void Draw(SynthScene scene, Span<byte> rgb)
    {
        ArgumentNullException.ThrowIfNull(scene);
        if (rgb.Length != (long)scene.Width * scene.Height * 3)
            throw new ArgumentException($"The buffer holds {rgb.Length} bytes; a picture of {scene.Width} x {scene.Height} takes {(long)scene.Width * scene.Height * 3}.", nameof(rgb));
        var pixels = MemoryMarshal.Cast<byte, SynthRgb>(rgb);
        Fill(pixels, scene.Background);
        // One slot more than a row has pixels, because a span may end exactly at the right edge.
        var coverage = scene.AntiAliased ? new float[2 * (scene.Width + 2)] : [];
        foreach (var item in scene.Objects)
        {
            var outline = new SynthOutline(item);
            if (scene.AntiAliased)
                DrawSmooth(scene, outline, item.Rgb, pixels, coverage);
            else
                DrawHard(scene, outline, item.Rgb, pixels);
        }
    }

    /// <summary>Copying what is already filled is several times faster than storing three bytes a pixel.</summary>
    private static void Fill(Span<SynthRgb> pixels, SynthRgb color)
    {
        var filled = Math.Min(64, pixels.Length);
        pixels[..filled].Fill(color);
        while (filled < pixels.Length)
        {
            var length = Math.Min(filled, pixels.Length - filled);
            pixels[..length].CopyTo(pixels[filled..]);
            filled += length;
        }
    }

    private static void DrawHard(SynthScene scene, SynthOutline outline, SynthRgb color, Span<SynthRgb> pixels)
    {
        Span<double> crossings = stackalloc double[SynthOutline.MaxCrossings];
        var last = Math.Min(scene.Height - 1, (int)Math.Floor(outline.Bottom));
        for (var y = Math.Max(0, (int)Math.Floor(outline.Top)); y <= last; y++)
        {
            var count = outline.Cross(y + 0.5, crossings);
            for (var i = 0; i + 1 < count; i += 2)
            {
                var from = Math.Max(0, (int)Math.Ceiling(crossings[i] - 0.5));
                var to = Math.Min(scene.Width, (int)Math.Ceiling(crossings[i + 1] - 0.5));
                if (to > from)
                    pixels.Slice(y * scene.Width + from, to - from).Fill(color);
            }
        }
    }

    private static void DrawSmooth(SynthScene scene, SynthOutline outline, SynthRgb color, Span<SynthRgb> pixels, float[] buffer)
    {
        Span<double> crossings = stackalloc double[SynthOutline.MaxCrossings];
        var width = scene.Width;
        var partial = buffer.AsSpan(0, width + 2);      // what a span covers of the pixels at its two ends
        var steps = buffer.AsSpan(width + 2, width + 2); // +1 where full coverage begins, -1 where it ends
        var last = Math.Min(scene.Height - 1, (int)Math.Floor(outline.Bottom));
        for (var y = Math.Max(0, (int)Math.Floor(outline.Top)); y <= last; y++)
        {
            int left = width, right = -1;
            for (var sub = 0; sub < SubRows; sub++)
            {
                var count = outline.Cross(y + (sub + 0.5) / SubRows, crossings);
                for (var i = 0; i + 1 < count; i += 2)
                {
                    var from = Math.Clamp(crossings[i], 0, width);
                    var to = Math.Clamp(crossings[i + 1], 0, width);
                    var first = (int)from;
                    var end = (int)to;
                    left = Math.Min(left, first);
                    right = Math.Max(right, end);
                    if (first == end)
                    {
                        partial[first] += (float)(to - from);
                        continue;
                    }
                    partial[first] += (float)(first + 1 - from);
                    partial[end] += (float)(to - end);
                    steps[first + 1] += 1;
                    steps[end] -= 1;
                }
            }
            if (right < left)
                continue;
            var row = pixels.Slice(y * width, width);
            var full = 0f;
            for (var x = left; x <= right; x++)
            {
                full += steps[x];
                var share = (full + partial[x]) * (1f / SubRows);
                steps[x] = partial[x] = 0;
                if (x < width && share > 0)
                    row[x] = share >= 0.999f ? color : Mix(row[x], color, share);
            }
        }
    }

    private static SynthRgb Mix(SynthRgb under, SynthRgb over, float share)
    {
        return new(Channel(under.R, over.R, share), Channel(under.G, over.G, share), Channel(under.B, over.B, share));

        static byte Channel(byte a, byte b, float share) => (byte)(a + (b - a) * share + 0.5f);
    }
}
