namespace LlavaSharp.Training;

/// <summary>A conversation as ids and labels.</summary>
/// <param name="Ids">The ids; -200 marks the picture.</param>
/// <param name="Labels">As long as <paramref name="Ids"/>: the id where it is learned, -100 elsewhere.</param>
/// <param name="Mismatch">When the masks did not add up, so that nothing of the sample is learned: the length by rounds and the real one; else null.</param>
public sealed record EncodedConversation(int[] Ids, long[] Labels, (int Rounds, int Total)? Mismatch = null)
{
    /// <summary>Whether anything can be learned: some label behind the first position counts.</summary>
    public bool IsLearned => Labels.AsSpan(Math.Min(1, Labels.Length)).ContainsAnyExcept(Prompts.LlavaConstants.IgnoreIndex);
}
