namespace LlavaSharp.Generation;

/// <summary>What one answer did not have to compute.</summary>
/// <param name="PromptTokens">Positions of the prompt whose keys and values were held from an earlier answer; the prefill computed the others.</param>
public sealed record SavedWork(int PromptTokens);
