namespace LlavaSharp.Kernels.Tests;

public sealed unsafe class ElementKernelsTests
{
    [Theory]
    [InlineData(1, 4096)]
    [InlineData(7, 13)]
    [InlineData(40, 1024)]
    public void RmsNorm_AnyShape_IsTheFormula(int tokens, int width)
    {
        using var threads = new KernelThreads(2);
        float[] x = Numbers(tokens * width, 1), weight = Numbers(width, 2), y = new float[x.Length];
        fixed (float* source = x, factors = weight, target = y)
            ElementKernels.RmsNorm(source, factors, 1e-5f, target, tokens, width, threads);
        for (var token = 0; token < tokens; token++)
        {
            var mean = x.Skip(token * width).Take(width).Average(value => (double)value * value);
            for (var i = 0; i < width; i++)
                Assert.Equal(weight[i] * x[token * width + i] / Math.Sqrt(mean + 1e-5), y[token * width + i], 1e-5);
        }
    }

    [Theory]
    [InlineData(13, true)]
    [InlineData(1024, true)]
    [InlineData(72, false)]
    public void LayerNormRow_AnyWidth_IsTheFormula(int width, bool biased)
    {
        float[] x = Numbers(width, 7), weight = Numbers(width, 8), bias = Numbers(width, 9), y = new float[width];
        fixed (float* source = x, factors = weight, added = bias, target = y)
            ElementKernels.LayerNormRow(source, factors, biased ? added : null, 1e-5f, target, width);
        var mean = x.Average(value => (double)value);
        var variance = x.Average(value => (value - mean) * (value - mean));
        for (var i = 0; i < width; i++)
            Assert.Equal((x[i] - mean) / Math.Sqrt(variance + 1e-5) * weight[i] + (biased ? bias[i] : 0), y[i], 1e-5);
    }

    [Theory]
    [InlineData(3, 11)]
    [InlineData(20, 2048)]
    public void SiluMultiply_AnyShape_IsTheFormula(int tokens, int width)
    {
        using var threads = new KernelThreads(2);
        float[] gate = Numbers(tokens * width, 3), up = Numbers(tokens * width, 4), y = new float[gate.Length];
        fixed (float* a = gate, b = up, target = y)
            ElementKernels.SiluMultiply(a, b, target, tokens, width, threads);
        for (var i = 0; i < y.Length; i++)
            Assert.Equal(gate[i] / (1 + Math.Exp(-gate[i])) * up[i], y[i], 1e-5);
    }

    [Theory]
    [InlineData(3, 11)]
    [InlineData(20, 2048)]
    public void QuickGelu_AnyShape_IsTheFormula(int tokens, int width)
    {
        using var threads = new KernelThreads(2);
        float[] x = Numbers(tokens * width, 5), y = new float[x.Length];
        fixed (float* source = x, target = y)
            ElementKernels.QuickGelu(source, target, tokens, width, threads);
        for (var i = 0; i < y.Length; i++)
            Assert.Equal(x[i] / (1 + Math.Exp(-1.702 * x[i])), y[i], 1e-5);
    }

    [Theory]
    [InlineData(5, 2, 12)]
    [InlineData(6, 3, 64)]
    public void Rotate_SeveralHeads_TurnsTheirPairs(int tokens, int heads, int width)
    {
        using var threads = new KernelThreads(2);
        float[] x = Numbers(tokens * heads * width, 6), before = [.. x];
        float[] cosine = new float[tokens * width], sine = new float[cosine.Length];
        for (var i = 0; i < cosine.Length; i++)
            (cosine[i], sine[i]) = ((float)Math.Cos(i / width * (1.0 + i % (width / 2))), (float)Math.Sin(i / width * (1.0 + i % (width / 2))));
        fixed (float* target = x, c = cosine, s = sine)
            ElementKernels.Rotate(target, c, s, tokens, tokens, heads, width, threads);
        for (var token = 0; token < tokens; token++)
            for (var head = 0; head < heads; head++)
                for (var i = 0; i < width / 2; i++)
                {
                    var at = (token * heads + head) * width + i;
                    var (c, s) = (cosine[token * width + i], sine[token * width + i]);
                    Assert.Equal(before[at] * c - before[at + width / 2] * s, x[at], 1e-5);
                    Assert.Equal(before[at + width / 2] * c + before[at] * s, x[at + width / 2], 1e-5);
                }
    }

    private static float[] Numbers(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * 6)];
    }
}
