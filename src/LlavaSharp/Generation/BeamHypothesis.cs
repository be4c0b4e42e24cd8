namespace LlavaSharp.Generation;

/// <summary>One text that beam search has found.</summary>
/// <param name="Ids">The generated ids, the end token included when it ended by one.</param>
/// <param name="Score">The sum of the log-probabilities divided by (number of ids) to the power of the length penalty.</param>
/// <param name="SumOfLogProbabilities">The sum of the log-probabilities of all ids.</param>
/// <param name="HasEnded">Whether it ended by an end token, not by the limit.</param>
public sealed record BeamHypothesis(IReadOnlyList<int> Ids, double Score, double SumOfLogProbabilities, bool HasEnded);
