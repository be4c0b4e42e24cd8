namespace LlavaSharp.Native;

/// <summary>Something about this machine that stands in the way, and what to do about it.</summary>
/// <param name="Problem">What was found.</param>
/// <param name="Advice">What to do.</param>
/// <param name="IsFatal">Nothing that needs tensors works until it is mended.</param>
public sealed record MachineProblem(string Problem, string Advice, bool IsFatal = false);
