namespace LlavaSharp.Checkpoints;

/// <summary>How rotary positions are stretched: <paramref name="Kind"/> is <c>linear</c> or <c>dynamic</c> in the original's library.</summary>
/// <param name="Kind">The key <c>type</c>, or <c>rope_type</c> in newer files.</param>
/// <param name="Factor">By how much; at least 1.</param>
public sealed record RopeScaling(string Kind, double Factor);
