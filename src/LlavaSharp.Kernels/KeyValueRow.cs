namespace LlavaSharp.Kernels;

/// <summary>The new positions of one sequence among those that are computed together.</summary>
/// <param name="Start">The first new position; all before it are stored.</param>
/// <param name="Count">How many.</param>
internal readonly record struct KeyValueRow(int Start, int Count);
