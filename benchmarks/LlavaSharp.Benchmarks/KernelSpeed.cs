using System.Runtime.InteropServices;
using LlavaSharp.Benchmarking;
using LlavaSharp.Benchmarking.Machine;
using LlavaSharp.Kernels;

namespace LlavaSharp.Benchmarks;

/// <summary>
/// The products of 7B-shaped layers with packed weights, against what the same threads read from memory in the same run. Every round runs everything
/// once, so that a drift of the machine falls on all; the table shows medians, and for reading the best.
/// </summary>
internal static unsafe class KernelSpeed
{
    private static readonly (int Rows, int Inputs)[] _layer = [(4096, 4096), (4096, 4096), (4096, 4096), (4096, 4096), (11008, 4096), (11008, 4096), (4096, 11008)];

    /// <summary>Measures and prints.</summary>
    /// <param name="rounds">How often.</param>
    /// <param name="layers">Layers of 202 million weights each.</param>
    public static int Measure(int rounds, int layers = 8)
    {
        var threads = KernelThreads.Shared;
        var matrices = new[] { WeightBits.Four, WeightBits.Eight }.ToDictionary(bits => bits, bits => Create(bits, layers));
        using var reading = new MemoryReading(threads);
        int[] batches = [1, 2, 4, 8, 620];
        var activations = new Dictionary<(WeightBits, int Tokens, int Inputs), QuantizedActivations>();
        foreach (var bits in matrices.Keys)
            foreach (var tokens in batches)
                foreach (var inputs in new[] { 4096, 11008 })
                    activations.Add((bits, tokens, inputs), Activations(bits, tokens, inputs));
        var results = (float*)NativeMemory.AlignedAlloc(620 * 11008 * sizeof(float), 64);
        var times = new Dictionary<(WeightBits, int), List<double>>();
        var read = 0.0;
        for (var round = -1; round < rounds; round++)
        {
            read = Math.Max(read, reading.Run());
            foreach (var (bits, list) in matrices)
            {
                foreach (var tokens in batches)
                {
                    var seconds = Timing.Seconds(() =>
                    {
                        foreach (var matrix in list)
                            matrix.Multiply(activations[(bits, tokens, matrix.Layout.Inputs)], results, threads);
                    });
                    if (round < 0)
                        continue;
                    if (!times.TryGetValue((bits, tokens), out var all))
                        times.Add((bits, tokens), all = []);
                    all.Add(seconds);
                }
            }
        }
        Console.WriteLine(FormattableString.Invariant($"{MatrixKernels.Current.Name}, {threads.Count} threads; reading 2 GB: {read / 1e9:F1} GB/s"));
        foreach (var ((bits, tokens), all) in times)
        {
            var median = Timing.Median(all);
            double bytes = matrices[bits].Sum(matrix => matrix.Layout.Bytes), products = matrices[bits].Sum(matrix => (double)matrix.Layout.Rows * matrix.Layout.Inputs) * tokens;
            Console.WriteLine(FormattableString.Invariant(
                $"{(int)bits} bits, {tokens,3} tokens: {median * 1e3 / layers,8:F2} ms a layer, {bytes / median / 1e9,5:F1} GB/s ({100 * bytes / median / read,3:F0} % of reading), {2 * products / median / 1e9,4:F0} GFLOP/s"));
        }
        return 0;
    }

    private static List<PackedMatrix> Create(WeightBits bits, int layers)
    {
        var random = new Random(1);
        var list = new List<PackedMatrix>();
        foreach (var (rows, inputs) in Enumerable.Repeat(_layer, layers).SelectMany(shapes => shapes))
        {
            var layout = new PackedLayout(rows, inputs, bits);
            var data = (byte*)NativeMemory.AlignedAlloc((nuint)layout.Bytes, 4096);   // lives as long as the process
            random.NextBytes(new Span<byte>(data, checked((int)layout.Bytes)));
            for (var block = 0; block < layout.Blocks; block++)
                new Span<Half>(data + block * layout.BlockBytes, layout.Groups * PackedLayout.BlockRows).Fill((Half)0.01f);
            list.Add(new PackedMatrix(layout, data));
        }
        return list;
    }

    private static QuantizedActivations Activations(WeightBits weights, int tokens, int inputs)
    {
        var random = new Random(2);
        var x = new QuantizedActivations();
        x.Resize(tokens, inputs, weights);
        for (var token = 0; token < tokens; token++)
            x.Quantize(token, [.. Enumerable.Range(0, inputs).Select(_ => random.NextSingle() - 0.5f)]);
        return x;
    }
}
