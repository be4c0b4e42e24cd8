namespace LlavaSharp.Generation;

/// <summary>A generated token with its log-probability under the model, before temperature, penalties, biases and constraints.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">Natural logarithm.</param>
/// <param name="Top">The most probable tokens at this place, best first; as many as were asked for.</param>
public sealed record GeneratedToken(int Id, float LogProbability, IReadOnlyList<TokenLogProbability> Top);
