namespace LlavaSharp.Generation;

/// <summary>What a generation has chosen, and what it did not have to compute.</summary>
/// <param name="Ids">The ids, the end token included.</param>
/// <param name="Ended">Whether an end token ended it.</param>
internal sealed record GeneratedIds(List<int> Ids, bool Ended)
{
    /// <summary>Positions of the prompt whose keys and values were held from an earlier request.</summary>
    public int ReusedPromptTokens { get; init; }

    /// <summary>Ids that were guessed right.</summary>
    public int GuessedTokens { get; init; }
}
