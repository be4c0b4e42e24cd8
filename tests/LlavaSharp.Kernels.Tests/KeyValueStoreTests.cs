namespace LlavaSharp.Kernels.Tests;

public sealed unsafe class KeyValueStoreTests
{
    [Theory]
    [InlineData(CacheBits.Sixteen, 1, 4, 4, 128, 1, 700, null, 2e-4)]
    [InlineData(CacheBits.Sixteen, 2, 6, 2, 64, 3, 300, null, 2e-4)]
    [InlineData(CacheBits.Sixteen, 1, 3, 1, 40, 2, 20, 7, 2e-4)]     // a width that is no multiple of a register, and a window
    [InlineData(CacheBits.Sixteen, 1, 5, 5, 32, 1, 513, 256, 2e-4)]
    [InlineData(CacheBits.Eight, 1, 4, 4, 128, 1, 700, null, 3e-2)]
    [InlineData(CacheBits.Eight, 2, 8, 2, 16, 4, 260, null, 3e-2)]
    internal void Attend_AnyShape_IsNearTheExactResult(CacheBits bits, int rows, int heads, int groups, int width, int count, int length, int? window, double allowed)
    {
        var random = new Random(5);
        using var threads = new KernelThreads(2);
        using var store = new KeyValueStore(groups, width, bits);
        var keys = Random(random, rows * length * groups * width);
        var values = Random(random, rows * length * groups * width);
        // in two parts, so that the second begins inside a block
        var first = length - count;
        Append(store, rows, groups, width, keys, values, length, 0, first, threads);
        Append(store, rows, groups, width, keys, values, length, first, count, threads);
        var q = Random(random, rows * count * heads * width);
        var y = new float[q.Length];
        var scale = 1 / MathF.Sqrt(width);
        fixed (float* queries = q, results = y)
            store.Attend(first, count, heads, window, scale, queries, results, threads);

        for (var row = 0; row < rows; row++)
            for (var token = 0; token < count; token++)
                for (var head = 0; head < heads; head++)
                {
                    var wanted = Exact(q.AsSpan(((row * count + token) * heads + head) * width, width), keys, values, row, length, groups, head / (heads / groups), width, first + token, window, scale);
                    for (var i = 0; i < width; i++)
                        Assert.Equal(wanted[i], y[((row * count + token) * heads + head) * width + i], allowed);
                }
    }

    [Fact]
    public void Attend_NotANumber_StaysVisible()
    {
        using var threads = new KernelThreads(1);
        using var store = new KeyValueStore(1, 16, CacheBits.Sixteen);
        var keys = new float[32];
        keys[3] = float.NaN;
        Append(store, 1, 1, 16, keys, new float[32], 2, 0, 2, threads);
        float[] q = [.. Enumerable.Repeat(1f, 16)], y = new float[16];
        fixed (float* queries = q, results = y)
            store.Attend(1, 1, 1, null, 1, queries, results, threads);
        Assert.All(y, value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void Reorder_SharedBlocks_AreCopiedBeforeTheyAreWritten()
    {
        using var threads = new KernelThreads(1);
        using var store = new KeyValueStore(1, 16, CacheBits.Sixteen);
        var random = new Random(9);
        var keys = Random(random, 2 * 3 * 16);
        Append(store, 2, 1, 16, keys, keys, 3, 0, 3, threads);
        store.Reorder([1, 1]);
        var added = Random(random, 2 * 16);
        Append(store, 2, 1, 16, added, added, 1, 3, 1, threads, sourceStart: 0);
        var restored = new float[2 * 4 * 16];
        var spare = new float[2 * 4 * 16];
        fixed (float* k = restored, v = spare)
            store.Restore(4, k, v, threads);
        for (var row = 0; row < 2; row++)
        {
            for (var i = 0; i < 3 * 16; i++)
                Assert.Equal(keys[3 * 16 + i], restored[row * 4 * 16 + i], 1e-4);
            for (var i = 0; i < 16; i++)
                Assert.Equal(added[row * 16 + i], restored[row * 4 * 16 + 3 * 16 + i], 1e-4);
        }
        Assert.Equal(restored, spare);
    }

    private static float[] Random(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * 4)];

    // source: [rows][length][groups][width]
    private static void Append(KeyValueStore store, int rows, int groups, int width, float[] keys, float[] values, int length, int start, int count, KernelThreads threads, int? sourceStart = null)
    {
        var size = groups * width;
        float[] Part(float[] all) => [.. Enumerable.Range(0, rows).SelectMany(row => all.Skip((row * length + (sourceStart ?? start)) * size).Take(count * size))];
        fixed (float* k = Part(keys), v = Part(values))
            store.Append(rows, start, count, k, v, threads);
    }

    private static double[] Exact(Span<float> q, float[] keys, float[] values, int row, int length, int groups, int group, int width, int position, int? window, float scale)
    {
        var first = Math.Max(0, position - (window ?? int.MaxValue) + 1L);
        var scores = new double[position + 1];
        for (var p = (int)first; p <= position; p++)
            for (var i = 0; i < width; i++)
                scores[p] += q[i] * (double)keys[((row * length + p) * groups + group) * width + i] * scale;
        var most = scores[(int)first..].Max();
        var total = 0.0;
        var y = new double[width];
        for (var p = (int)first; p <= position; p++)
        {
            var weight = Math.Exp(scores[p] - most);
            total += weight;
            for (var i = 0; i < width; i++)
                y[i] += weight * values[((row * length + p) * groups + group) * width + i];
        }
        return [.. y.Select(value => value / total)];
    }
}
