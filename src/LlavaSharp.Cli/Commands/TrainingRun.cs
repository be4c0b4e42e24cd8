using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlavaSharp.Native;
using LlavaSharp.Training;
using TorchSharp;

namespace LlavaSharp.Cli.Commands;

/// <summary>What all training verbs share: threads, the log on standard error and in a file, and an orderly end on Ctrl-C.</summary>
internal static class TrainingRun
{
    /// <summary>Makes tensors usable, with that many threads (0: as many as libtorch thinks fit).</summary>
    public static void Start(int threads)
    {
        TorchRuntime.Initialize();
        if (threads > 0)
            torch.set_num_threads(threads);
    }

    /// <summary>Runs a trainer; the first Ctrl-C or SIGTERM finishes the update and saves a checkpoint.</summary>
    /// <returns>The exit code.</returns>
    public static int Run<TBatch>(ITrainingTask<TBatch> task, TrainerOptions options)
    {
        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        Directory.CreateDirectory(options.OutputDirectory);
        using var file = new StreamWriter(Path.Combine(options.OutputDirectory, "train_log.jsonl"), append: true) { AutoFlush = true };
        var trainer = new Trainer<TBatch>(task, options with { Log = entry => Show(entry, file) });
        var result = trainer.Run(stop.Token);
        Console.Error.WriteLine(result.Finished
            ? $"{result.Steps} updates done; the model is in {options.OutputDirectory}"
            : $"Stopped after {result.Steps} updates. The same command goes on from the last checkpoint in {options.OutputDirectory}");
        return result.Finished ? CommandRunner.Done : CommandRunner.Interrupted;

        void Stop(PosixSignalContext context)
        {
            // a second signal ends the process at once
            context.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }
    }

    private static void Show(TrainingLogEntry entry, StreamWriter file)
    {
        file.WriteLine(JsonSerializer.Serialize(entry));
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"step {entry.Step}  loss {entry.Loss:0.0000}  lr {entry.LearningRate:0.000e+0}  norm {entry.GradientNorm:0.00}  epoch {entry.Epoch:0.####}  {entry.SamplesPerSecond:0.0} samples/s  {entry.ElapsedSeconds / 60:0.0} min"));
    }
}
