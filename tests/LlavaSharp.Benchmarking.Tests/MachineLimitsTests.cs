using System.Runtime.Intrinsics;
using LlavaSharp.Benchmarking.Machine;
using LlavaSharp.Kernels;

namespace LlavaSharp.Benchmarking.Tests;

public sealed class MachineLimitsTests
{
    [Fact]
    public void Measure_AnyMachine_GivesPositiveFigures()
    {
        using var team = new KernelThreads(2);
        var limits = MachineLimits.Measure(team, 1 << 20, 1000);
        Assert.Equal(2, limits.Threads);
        Assert.True(limits.ReadBandwidth > 0 && limits.Float32Peak > 0);
        Assert.Equal(limits.Int8Peak is null, limits.Int8Instructions is null);
        Assert.True(limits.Int8Peak is null or > 0);
    }

    [Fact]
    public void Operations_OfAPeak_CountEveryLaneChainAndPart()
    {
        // 3 parts of 5 turns of 8 steps of 10 chains, 4 numbers multiplied and added
        Assert.Equal(3.0 * 5 * 8 * 10 * 8, new PeakWork<Vector128<float>, Float32Steps.Narrow>(3, 5).Operations);
        Assert.Equal(2 * Vector256<byte>.Count, Int8Steps.Avx2Pairs.Operations);
    }

    [Fact]
    public void MemoryReading_MoreThanIsFree_IsRefused()
    {
        using var team = new KernelThreads(1);
        Assert.Contains("free", Assert.Throws<LlavaException>(() => new MemoryReading(team, 1L << 50)).Message);
    }

    [Theory]
    [InlineData(new double[] { 3, 1, 2 }, 2)]
    [InlineData(new double[] { 4, 1, 3, 2 }, 2.5)]
    public void Median_OddAndEven_IsTheMiddle(double[] values, double median) => Assert.Equal(median, Timing.Median(values));

    [Fact]
    public void Median_OfNothing_IsRefused() => Assert.Throws<ArgumentException>(() => Timing.Median([]));
}
