namespace LlavaSharp.Benchmarking.Peer;

/// <summary>Memory of the process that runs llama.cpp.</summary>
/// <param name="Resident">Bytes, with the pages of the mapped file that are in memory.</param>
/// <param name="Anonymous">Bytes that are its own and no file's; null where the system does not say.</param>
public sealed record PeerMemory(long Resident, long? Anonymous);
