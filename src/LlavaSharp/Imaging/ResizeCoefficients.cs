namespace LlavaSharp.Imaging;

/// <summary>Pillow's bicubic weights of one dimension, as integers of 22 fractional bits.</summary>
internal sealed class ResizeCoefficients
{
    /// <summary>The fractional bits of a weight (Pillow's 8-bit resampling).</summary>
    public const int FractionBits = 22;

    private const double Support = 2.0;

    private ResizeCoefficients(int taps, int[] first, int[] count, int[] weights) => (Taps, First, Count, Weights) = (taps, first, count, weights);

    /// <summary>The room for weights of one output position in <see cref="Weights"/>.</summary>
    public int Taps { get; }

    /// <summary>Per output position, the first input position that counts.</summary>
    public int[] First { get; }

    /// <summary>Per output position, how many input positions count.</summary>
    public int[] Count { get; }

    /// <summary>The weights, <see cref="Taps"/> for each output position.</summary>
    public int[] Weights { get; }

    /// <summary>The weights of the output positions <paramref name="start"/> .. start + length when <paramref name="input"/> samples become <paramref name="output"/>.</summary>
    /// <exception cref="ImageException">The reduction is so strong that its weights do not fit into memory.</exception>
    public static ResizeCoefficients Create(int input, long output, long start, int length)
    {
        var scale = (double)input / output;
        var stretch = Math.Max(scale, 1.0);
        var support = Support * stretch;
        var taps = (long)Math.Ceiling(support) * 2 + 1;
        if (taps * length > 1 << 28)
            throw new ImageException($"A side of {input} pixels is too long to be resized to {output}.");

        int[] first = new int[length], count = new int[length], weights = new int[taps * length];
        var exact = new double[taps];
        var narrow = 1.0 / stretch;
        for (var i = 0; i < length; i++)
        {
            var centre = (start + i + 0.5) * scale;
            var low = Math.Max((int)(centre - support + 0.5), 0);
            var taken = Math.Min((int)(centre + support + 0.5), input) - low;
            var sum = 0.0;
            for (var t = 0; t < taken; t++)
                sum += exact[t] = Cubic((t + low - centre + 0.5) * narrow);
            var row = weights.AsSpan((int)(i * taps), taken);
            for (var t = 0; t < taken; t++)
            {
                var weight = (sum != 0.0 ? exact[t] / sum : exact[t]) * (1 << FractionBits);
                row[t] = (int)(weight + (weight < 0 ? -0.5 : 0.5));
            }
            (first[i], count[i]) = (low, taken);
        }
        return new ResizeCoefficients((int)taps, first, count, weights);
    }

    private static double Cubic(double x)
    {
        const double a = -0.5;
        x = Math.Abs(x);
        if (x < 1.0)
            return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
        return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
    }
}
