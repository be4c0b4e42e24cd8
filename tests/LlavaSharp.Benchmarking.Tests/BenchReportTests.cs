using System.Text.Json;
using LlavaSharp.Benchmarking.Machine;
using LlavaSharp.Benchmarking.Report;

namespace LlavaSharp.Benchmarking.Tests;

public sealed class BenchReportTests
{
    private static readonly MachineLimits _machine = new("A processor", ["AVX2"], 2, 30e9, 180e9, null, null);

    [Theory]
    [InlineData("s", 2, 4, 2.0, 1, 0.5)]             // half the time is twice as good
    [InlineData("tokens/s", 2, 4, 0.5, 8, 0.25)]     // half the tokens is half as good
    public void Compare_ByUnit_BetterIsMoreThanOne(string unit, double value, double peer, double ratio, double limit, double share)
    {
        var result = BenchResult.Compare("x", value, unit, peer, goal: 1, limit: limit);
        Assert.Equal((ratio, share, ratio < 1), (result.Ratio!.Value, result.ShareOfLimit!.Value, result.IsMissed));
        Assert.False(BenchResult.Compare("x", value, unit, null, goal: 1).IsMissed);   // nothing to judge by
    }

    [Fact]
    public void Worst_OfSeveral_IsTheOneFurthestBelowItsGoal()
    {
        var report = Report(
            BenchResult.Compare("fine", 1, "s", 9, 2), BenchResult.Compare("bad", 1, "s", 1, 2), BenchResult.Compare("without goal", 9, "s", 1), BenchResult.Compare("worse", 1, "s", 1, 4));
        Assert.Equal("worse", report.Worst!.Name);
        Assert.False(report.ReachesGoals);
        Assert.True(Report(BenchResult.Compare("fine", 1, "s", 9, 2)).ReachesGoals);
        Assert.Null(Report().Worst);
    }

    [Fact]
    public void ToJson_AnyFigures_HoldsWhatScriptsRelyOn()
    {
        var report = Report(BenchResult.Compare("prefill_4bit", 100, "tokens/s", 50, 4, 400), BenchResult.Compare("load_4bit", double.NaN, "s", null));
        var root = JsonDocument.Parse(report.ToJson()).RootElement;
        Assert.Equal(["cpu", "flags", "threads", "read_gb_per_s", "float32_gflop_per_s", "int8_gop_per_s", "int8_instructions"], root.GetProperty("machine").EnumerateObject().Select(property => property.Name));
        Assert.Equal(30, root.GetProperty("machine").GetProperty("read_gb_per_s").GetDouble());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("machine").GetProperty("int8_gop_per_s").ValueKind);
        var first = root.GetProperty("results")[0];
        Assert.Equal("""{"name":"prefill_4bit","value":100,"unit":"tokens/s","peer":50,"ratio":2,"goal":4,"limit":400,"share_of_limit":0.25}""", JsonSerializer.Serialize(first));
        Assert.Equal(JsonValueKind.Null, root.GetProperty("results")[1].GetProperty("value").ValueKind);
        Assert.Equal("""{"name":"prefill_4bit","ratio":2,"goal":4}""", JsonSerializer.Serialize(root.GetProperty("worst")));
    }

    [Fact]
    public void ToTable_AnyFigures_NamesMachineFiguresAndTheWorst()
    {
        var lines = Report(BenchResult.Compare("prefill_4bit", 100, "tokens/s", 50, 4, 400)).ToTable().Split('\n');
        Assert.Contains("A processor (AVX2), 2 threads", lines[0]);
        Assert.Contains(lines, line => line.StartsWith("prefill_4bit", StringComparison.Ordinal) && line.Contains("100 tokens/s") && line.Contains("4.00 missed") && line.Contains("25 %"));
        Assert.Contains(lines, line => line.Contains("worst: prefill_4bit"));
    }

    private static BenchReport Report(params BenchResult[] results) =>
        new(new() { Shape = BenchShape.Find("tiny"), Threads = 2 }, _machine, null, results);
}
