namespace LlavaSharp.Generation;

/// <summary>A token and its log-probability.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">Natural logarithm.</param>
public readonly record struct TokenLogProbability(int Id, float LogProbability);
