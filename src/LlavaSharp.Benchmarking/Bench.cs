using LlavaSharp.Benchmarking.Report;
using LlavaSharp.Benchmarking.Subjects;

namespace LlavaSharp.Benchmarking;

/// <summary>How fast LlavaSharp is on this machine.</summary>
public static class Bench
{
    /// <summary>Measures on a thread of its own. Other work on the machine spoils the figures.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="cancellationToken">Ends the run between two measurements.</param>
    /// <exception cref="LlavaException">The measurement makes no sense, memory is too small, or a peer cannot be installed or used.</exception>
    public static Task<BenchReport> RunAsync(BenchOptions options, CancellationToken cancellationToken = default) =>
        Task.Factory.StartNew(() => BenchRunner.Run(options, [new PackedWeights(4, options.Notice, options.LargePages), new PackedWeights(8, options.Notice, options.LargePages)], cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
