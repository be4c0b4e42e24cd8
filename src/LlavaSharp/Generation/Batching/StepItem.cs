namespace LlavaSharp.Generation.Batching;

/// <summary>The positions of a sequence that one step computes.</summary>
/// <param name="Sequence">The sequence.</param>
/// <param name="Start">The first of them; all before it are computed.</param>
/// <param name="Count">How many.</param>
internal readonly record struct StepItem(ScheduledSequence Sequence, int Start, int Count)
{
    /// <summary>Whether the sequence's next token can be chosen afterwards.</summary>
    public bool ReachesEnd => Start + Count == Sequence.Length;
}
