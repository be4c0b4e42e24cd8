namespace LlavaSharp.Benchmarking.Peer;

/// <summary>Steps of decoding by llama.cpp.</summary>
/// <param name="Seconds">Of one step: one <c>llama_decode</c> of one token for each sequence.</param>
/// <param name="Sampling">Seconds of choosing the next tokens, greedily, in one step; not part of <paramref name="Seconds"/>.</param>
/// <param name="Ids">[steps][sequences]: what was chosen.</param>
public sealed record PeerDecode(double Seconds, double Sampling, IReadOnlyList<IReadOnlyList<int>> Ids);
