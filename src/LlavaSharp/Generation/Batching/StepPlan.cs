namespace LlavaSharp.Generation.Batching;

/// <summary>What one step of the engine does.</summary>
/// <param name="Items">What is computed: sequences that generate first, then parts of prompts.</param>
/// <param name="Prepare">The next sequence whose pictures are to be encoded; null: none waits for that.</param>
/// <param name="Preempted">The sequences whose pages were taken away for others; they wait again.</param>
internal sealed record StepPlan(IReadOnlyList<StepItem> Items, ScheduledSequence? Prepare, IReadOnlyList<ScheduledSequence> Preempted)
{
    /// <summary>How many sequences generate.</summary>
    public int Generating => Items.Count(item => item.Count == 1 && item.Start >= item.Sequence.PromptLength);

    /// <summary>How many positions of prompts are computed.</summary>
    public int PromptPositions => Items.Where(item => item.Count != 1 || item.Start < item.Sequence.PromptLength).Sum(item => item.Count);
}
