namespace LlavaSharp.Benchmarking.Peer;

/// <summary>What llama.cpp says of a model that it has loaded.</summary>
/// <param name="Seconds">Loading the model and making a context of one sequence.</param>
/// <param name="Description">Family, size and type of the weights, as it sees them.</param>
/// <param name="Release">The release of llama.cpp.</param>
/// <param name="System">What the library was built for and uses, such as <c>AVX2 = 1 | REPACK = 1</c>.</param>
/// <param name="Variant">Which of its libraries for different processors it chose, such as <c>haswell</c>; null when it cannot be told.</param>
/// <param name="Buffers">Its own lines on buffers and attention; a buffer <c>CPU_REPACK</c> holds weights that it reordered for this processor.</param>
public sealed record PeerLoad(double Seconds, string Description, string Release, string System, string? Variant, IReadOnlyList<string> Buffers);
