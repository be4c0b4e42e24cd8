using LlavaSharp.Native;
using TorchSharp;

namespace LlavaSharp.Training.Tests;

[Collection(nameof(TrainingRuns))]
public class TrainerTests
{
    static TrainerTests() => TorchRuntime.Initialize();

    [Fact]
    public void Run_Line_IsFitted()
    {
        using var folder = new TemporaryFolder();
        using var task = new ToyTask();
        var result = new Trainer<float[]>(task, Options(folder) with { MaxSteps = 400 }).Run(TestContext.Current.CancellationToken);
        Assert.True(result.Finished);
        Assert.InRange(task.Values[0], 1.9, 2.1);
        Assert.InRange(task.Values[1], 0.9, 1.1);
        Assert.Equal([folder.Path], task.Saved);
        Assert.True(File.Exists(folder["trainer_state.json"]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Run_Interrupted_GoesOnBitForBit(int accumulation)
    {
        using var folder = new TemporaryFolder();
        using var whole = new ToyTask();
        new Trainer<float[]>(whole, Options(folder) with { OutputDirectory = folder["whole"], MaxSteps = 20, GradientAccumulationSteps = accumulation }).Run(TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        using var first = new ToyTask();
        var losses = 0;
        first.OnLoss = () =>
        {
            if (++losses == 7 * accumulation)
                stop.Cancel();
        };
        var options = Options(folder) with { OutputDirectory = folder["parts"], MaxSteps = 20, GradientAccumulationSteps = accumulation };
        var interrupted = new Trainer<float[]>(first, options).Run(stop.Token);
        Assert.Equal((7, false), (interrupted.Steps, interrupted.Finished));
        Assert.Empty(first.Saved);
        using var second = new ToyTask();
        var resumed = new Trainer<float[]>(second, options).Run(TestContext.Current.CancellationToken);
        Assert.Equal((20, true), (resumed.Steps, resumed.Finished));
        Assert.Equal(whole.Values, second.Values);
    }

    [Fact]
    public void Run_SaveTotalLimit_KeepsTheNewest()
    {
        using var folder = new TemporaryFolder();
        using var task = new ToyTask();
        new Trainer<float[]>(task, Options(folder) with { MaxSteps = 10, SaveSteps = 2, SaveTotalLimit = 2 }).Run(TestContext.Current.CancellationToken);
        Assert.Equal(["checkpoint-10", "checkpoint-8"], Directory.GetDirectories(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Run_HalfWrittenCheckpoint_IsPassedOver()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["checkpoint-99"]);
        using var task = new ToyTask();
        Assert.Equal(5, new Trainer<float[]>(task, Options(folder) with { MaxSteps = 5 }).Run(TestContext.Current.CancellationToken).Steps);
    }

    [Fact]
    public void Run_LossNotFinite_NamesTheUpdate()
    {
        using var folder = new TemporaryFolder();
        using var task = new ToyTask(count: null, x: index => index == 9 ? float.NaN : 1);
        var error = Assert.Throws<TrainingException>(() => new Trainer<float[]>(task, Options(folder) with { MaxSteps = 10 }).Run(TestContext.Current.CancellationToken));
        Assert.Equal(3, error.Step);
        Assert.Contains("update 3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ManySteps_NoTensorIsLeft()
    {
        using var folder = new TemporaryFolder();
        using var task = new ToyTask();
        var counts = new List<long>();
        var living = TensorCount.Start();
        var options = Options(folder) with { MaxSteps = 40, LoggingSteps = 1, Log = _ => counts.Add(living.Living) };
        new Trainer<float[]>(task, options).Run(TestContext.Current.CancellationToken);
        Assert.Single(counts.Skip(2).Distinct());
        Assert.Equal(0, living.Living);
    }

    [Fact]
    public void Run_ClockRunsOut_EndsAndSaves()
    {
        using var folder = new TemporaryFolder();
        var clock = new SteppedClock();
        using var task = new ToyTask(count: null) { OnLoss = () => clock.Seconds += 6 };
        var trainer = new Trainer<float[]>(task, Options(folder) with { MaxMinutes = 1, LoggingSteps = 1, Clock = clock, Schedule = ScheduleKind.Cosine });
        var result = trainer.Run(TestContext.Current.CancellationToken);
        Assert.Equal((10, true), (result.Steps, result.Finished));
        Assert.Single(task.Saved);
    }

    [Fact]
    public void Create_NothingEndsTheRun_Throws()
    {
        using var folder = new TemporaryFolder();
        using var task = new ToyTask(count: null);
        Assert.Throws<TrainingException>(() => new Trainer<float[]>(task, Options(folder)));
    }

    [Theory]
    [InlineData(24, 4, 1, 2.0, 12)]
    [InlineData(24, 2, 2, 2.0, 12)]
    [InlineData(10, 4, 2, 3.0, 3)]
    [InlineData(3, 4, 8, 1.0, 1)]
    public void TotalSteps_Epochs_CountedAsInTheOriginal(long count, int batch, int accumulation, double epochs, long expected)
    {
        using var folder = new TemporaryFolder();
        using var task = new ToyTask(count);
        Assert.Equal(expected, new Trainer<float[]>(task, Options(folder) with { BatchSize = batch, GradientAccumulationSteps = accumulation, Epochs = epochs }).TotalSteps);
    }

    private static TrainerOptions Options(TemporaryFolder folder) => new() { OutputDirectory = folder.Path, BatchSize = 4, WarmupRatio = 0.03, Schedule = ScheduleKind.Cosine };

    private sealed class SteppedClock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
