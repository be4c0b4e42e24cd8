namespace LlavaSharp.Generation;

/// <summary>What one answer did not have to compute.</summary>
/// <param name="PromptTokens">Positions of the prompt whose keys and values were held from an earlier answer; the prefill computed the others.</param>
/// <param name="Images">Pictures whose features were held or shown twice; vision tower and projector saw the others.</param>
/// <param name="AnswerTokens">Tokens of the answer that were guessed right (prompt lookup), so that they cost no pass through the model of their own.</param>
public sealed record SavedWork(int PromptTokens, int Images, int AnswerTokens);
