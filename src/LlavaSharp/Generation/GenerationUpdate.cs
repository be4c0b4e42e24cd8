namespace LlavaSharp.Generation;

/// <summary>A piece of an answer while it is being generated: one for each token, and one more at the end.</summary>
/// <param name="Text">The next piece of text, often empty: words are held back until they are complete.</param>
/// <param name="Result">The whole answer; only in the last update.</param>
public sealed record GenerationUpdate(string Text, GenerationResult? Result = null)
{
    /// <summary>The token that this update comes with; only where <see cref="GenerationOptions.TopLogProbabilities"/> asks for it. Its text may come later, when it is certain.</summary>
    public GeneratedToken? Token { get; init; }
}
