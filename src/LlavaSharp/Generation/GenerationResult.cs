namespace LlavaSharp.Generation;

/// <summary>One finished answer.</summary>
/// <param name="Prompt">The text that the model was given, with <c>&lt;image&gt;</c> at each picture's place.</param>
/// <param name="InputIds">The prompt's ids; -200 marks a picture.</param>
/// <param name="OutputIds">The ids that were generated, the end token included.</param>
/// <param name="Text">The answer without special tokens, trimmed, and without the stop string that ended it.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="PromptTokens">The number of positions of the prompt, each picture counted with all its features.</param>
/// <param name="Timings">Where the time went.</param>
public sealed record GenerationResult(
    string Prompt, IReadOnlyList<int> InputIds, IReadOnlyList<int> OutputIds, string Text, FinishReason FinishReason, int PromptTokens, GenerationTimings Timings)
{
    /// <summary>What did not have to be computed.</summary>
    public SavedWork Saved { get; init; } = new(0, 0, 0);
}
