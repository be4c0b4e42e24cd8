namespace LlavaSharp.Benchmarking.Report;

/// <summary>The least ratios that are wanted, by measurement and bits of a weight. Weights of more than 8 bits have no goals.</summary>
internal static class BenchGoals
{
    private static readonly Dictionary<(string Measurement, int Bits), double> _known = new()
    {
        [(BenchNames.ImageEncode, 4)] = 2,
        [(BenchNames.ImageEncode, 8)] = 2,
        [(BenchNames.Prefill, 4)] = 4,
        [(BenchNames.Prefill, 8)] = 3,
        [(BenchNames.Decode, 4)] = 1.5,
        [(BenchNames.DecodeBandwidth, 4)] = 0.8,
        [(BenchNames.BatchSpeedup, 4)] = 4,
        [(BenchNames.FirstToken, 4)] = 1,
        [(BenchNames.Answer, 4)] = 2,
    };

    /// <summary>The goal, or null when there is none.</summary>
    public static double? Find(string measurement, int bits) => _known.TryGetValue((measurement, bits), out var goal) ? goal : null;
}
