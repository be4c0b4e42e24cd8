using LlavaSharp.Models;

namespace LlavaSharp.Benchmarking.Subjects;

/// <summary>A network to measure, and what it stands on.</summary>
/// <param name="Network">The network.</param>
/// <param name="StepBytes">Bytes of weights that one step of decoding reads: all matrices of the layers and the output matrix.</param>
/// <param name="CacheNumberBytes">Bytes of one number of the cache of keys and values.</param>
/// <param name="Owned">Weights and files, which are disposed with it.</param>
internal sealed record BenchNetwork(LlavaNetwork Network, double StepBytes, int CacheNumberBytes, IReadOnlyList<IDisposable> Owned) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var resource in Owned)
            resource.Dispose();
    }
}
