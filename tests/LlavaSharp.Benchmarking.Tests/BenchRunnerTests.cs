using LlavaSharp.Benchmarking.Machine;
using LlavaSharp.Benchmarking.Peer;
using LlavaSharp.Benchmarking.Report;
using LlavaSharp.Benchmarking.Subjects;

namespace LlavaSharp.Benchmarking.Tests;

public sealed class BenchRunnerTests
{
    private readonly List<string> _calls = [];

    [Fact]
    public void Measure_BothSides_GivesMediansByTurnsAndRatios()
    {
        var options = new BenchOptions { Shape = BenchShape.Find("tiny"), Threads = 2, Rounds = 3 };
        var machine = new MachineLimits(null, [], 2, 1e9, 1e12, 2e12, "x");
        var subject = new Scripted("ours", _calls) { Prefills = new([0.5, 9, 100, 3, 2, 1]) };   // twice after loading, warm-up, then the rounds
        var results = new BenchRunner(options, machine, CancellationToken.None).Measure(subject, new Scripted("peer", _calls) { Prefills = new([9, 100, 30, 10, 5]) }, null).ToDictionary(result => result.Name);

        // the warm-up does not count
        Assert.Equal(620 / 2.0, results["prefill_4bit"].Value, 1e-9);
        Assert.Equal(620 / 10.0, results["prefill_4bit"].Peer!.Value, 1e-9);
        Assert.Equal((5, 4), (results["prefill_4bit"].Ratio!.Value, results["prefill_4bit"].Goal!.Value));
        Assert.Equal(2e12 * 620 / ShapeArithmetic.Prefill(options.Shape.Config, 620), results["prefill_4bit"].Limit!.Value, 1e-3);
        // 0.01 s a step of one sequence, and of eight
        Assert.Equal((100, 800, 8), (results["decode_batch1_4bit"].Value, results["decode_batch8_4bit"].Value, results["batch8_speedup_4bit"].Value));
        Assert.Equal((1000 + 708 * 10) / 0.01 / 1e9, results["decode_bandwidth_4bit"].Value, 1e-12);
        Assert.Equal(results["decode_bandwidth_4bit"].Value / 1, results["decode_bandwidth_4bit"].Ratio!.Value, 1e-12);
        // 1.5 prompts and a second, over loading and the first prompt of the second time
        Assert.Equal((1.5 * 2 + 1) / (0.25 + 9), results["first_token_4bit"].Ratio!.Value, 1e-9);
        Assert.Equal(0.5, results["same_tokens_4bit"].Value);
        Assert.Null(results["answer_4bit"].Peer);   // no tower to compare with

        // each side begins in every second round
        var prompts = _calls.Where(call => call.EndsWith("prefill", StringComparison.Ordinal)).Select(call => call[..4]).TakeLast(6);
        Assert.Equal(["ours", "peer", "peer", "ours", "ours", "peer"], prompts);
    }

    [Fact]
    public void Measure_WithoutPeer_ComparesWithNothing()
    {
        var options = new BenchOptions { Shape = BenchShape.Find("tiny"), Threads = 2, Rounds = 1 };
        var results = new BenchRunner(options, new(null, [], 2, 1e9, 1e12, null, null), CancellationToken.None).Measure(new Scripted("ours", _calls), null, null);
        Assert.All(results, result => Assert.Null(result.Peer));
        Assert.Null(results.Single(result => result.Name == "prefill_4bit").Limit);   // no peak of bytes is known
        Assert.DoesNotContain(results, result => result.Name.StartsWith(BenchNames.SameTokens, StringComparison.Ordinal));
    }

    [Fact]
    public void Measure_Cancelled_Stops()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        var runner = new BenchRunner(new() { Shape = BenchShape.Find("tiny"), Threads = 1 }, new(null, [], 1, 1, 1, 1, null), source.Token);
        Assert.Throws<OperationCanceledException>(() => runner.Measure(new Scripted("ours", _calls), null, null));
    }

    [Theory]
    [InlineData(0, 5, 620, "threads")]
    [InlineData(1, 0, 620, "rounds")]
    [InlineData(1, 5, 1000, "1100 positions")]
    public void Validate_MeasurementThatIsNone_SaysWhy(int threads, int rounds, int prompt, string why)
    {
        var options = new BenchOptions { Shape = BenchShape.Find("tiny"), Threads = threads, Rounds = rounds, PromptTokens = prompt };
        Assert.Contains(why, Assert.Throws<LlavaException>(options.Validate).Message);
    }

    private sealed class Scripted(string name, List<string> calls) : IBenchSubject, IBenchPeer
    {
        public Queue<double> Prefills { get; init; } = new([1, 1, 1, 1, 1, 1]);

        public string Name => "4bit";

        public string Description => "scripted";

        public int Bits => 4;

        public double StepBytes => 1000;

        public double PositionBytes => 10;

        public IReadOnlyList<IReadOnlyList<int>> LastTokens { get; private set; } = [];

        public double Load() => Call("load", 0.25);

        public double Prefill(IReadOnlyList<int> ids) => Call("prefill", Prefills.Dequeue());

        public double Decode(IReadOnlyList<int> ids, IReadOnlyList<int> first, int steps)
        {
            // every second sequence goes another way on one side
            LastTokens = [.. Enumerable.Range(0, steps).Select(_ => first.Select((id, i) => name == "ours" && i % 2 == 1 ? -1 : id).ToArray())];
            return Call("decode", 0.01);
        }

        public double EncodeImage() => Call("image", 0.1);

        public double Answer(IReadOnlyList<int> question, int tokens) => Call("answer", 1);

        public double Memory() => 1e9;

        public void Dispose()
        {
        }

        private double Call(string what, double seconds)
        {
            calls.Add($"{name} {what}");
            return seconds;
        }
    }
}
