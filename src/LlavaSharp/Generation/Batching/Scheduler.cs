namespace LlavaSharp.Generation.Batching;

/// <summary>
/// Decides what each step of the engine computes: continuous batching (Yu et al. 2022) over pages (Kwon et al. 2023), with prompts in parts. Sequences that generate go
/// first, each by a token; then prompts go on, the oldest first; then waiting sequences are taken up while there are pages for the whole of their prompts.
/// </summary>
/// <remarks>Knows neither tensors nor time. Not safe for concurrent use.</remarks>
/// <param name="pool">The pages.</param>
/// <param name="pagePositions">Positions in a page.</param>
/// <param name="mostRunning">The most sequences that run at once.</param>
/// <param name="budget">How many positions of prompts a step may compute.</param>
internal sealed class Scheduler(PagePool pool, int pagePositions, int mostRunning, ChunkBudget budget)
{
    private const int GeneratedWeight = 2;   // a generated token costs more than one of a prompt
    private readonly List<ScheduledSequence> _running = [];   // as they were taken up
    private readonly FairQueue _queue = new();

    /// <summary>The sequences that run.</summary>
    public IReadOnlyList<ScheduledSequence> Running => _running;

    /// <summary>The sequences that wait.</summary>
    public int Waiting => _queue.Count;

    /// <summary>All of them.</summary>
    public IEnumerable<ScheduledSequence> All => _running.Concat(_queue.Waiting);

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsIdle => _running.Count == 0 && _queue.Count == 0;

    /// <summary>How often pages were taken from a sequence.</summary>
    public long Preemptions { get; private set; }

    /// <summary>The pages that so many positions take.</summary>
    public int PagesFor(int positions) => (positions + pagePositions - 1) / pagePositions;

    /// <summary>Takes a new sequence.</summary>
    public void Add(ScheduledSequence sequence) => _queue.Add(sequence);

    /// <summary>A sequence has ended, for whatever reason.</summary>
    public void Remove(ScheduledSequence sequence)
    {
        if (_running.Remove(sequence))
            Release(sequence);
        _queue.Close(sequence);
    }

    /// <summary>What the next step computes.</summary>
    public StepPlan Plan()
    {
        var items = new List<StepItem>();
        var preempted = new List<ScheduledSequence>();
        foreach (var sequence in _running.ToArray())
        {
            if (sequence.Remaining != 1 || !_running.Contains(sequence))
                continue;
            while (!MakeRoom(sequence, 1))
            {
                var victim = _running[^1];
                items.RemoveAll(item => item.Sequence == victim);
                Preempt(victim);
                preempted.Add(victim);
                if (victim == sequence)
                    break;
            }
            if (_running.Contains(sequence))
                items.Add(new(sequence, sequence.Computed, 1));
        }
        var left = budget.Positions(items.Count > 0);
        foreach (var sequence in _running)
            if (sequence.Remaining > 1)
                left -= AddPart(items, sequence, left);
        var next = Admit(items, left);
        return new(items, next, preempted);
    }

    /// <summary>Says that a plan's positions are computed.</summary>
    public void Complete(StepPlan plan)
    {
        foreach (var (sequence, start, count) in plan.Items)
        {
            sequence.Computed = start + count;
            _queue.Charge(sequence, start < sequence.PromptLength ? count : GeneratedWeight * count);
            for (var page = start / pagePositions; sequence.MayShare && (page + 1) * pagePositions <= sequence.Computed; page++)
                pool.Publish(sequence.Pages[page], sequence.Hash(page, pagePositions));
        }
    }

    // takes up waiting sequences; returns the next one whose pictures are to be encoded
    private ScheduledSequence? Admit(List<StepItem> items, int left)
    {
        while (_running.Count < mostRunning)
        {
            var heads = _queue.Heads.ToList();
            var next = heads.Find(sequence => sequence.IsReady);
            var unready = heads.Find(sequence => !sequence.IsReady);
            if (next is null || left <= 0 || !HasRoom(next))
                return unready;
            _queue.Take(next);
            _running.Add(next);
            Reuse(next);
            MakeRoom(next, next.Remaining);   // all at once: two half prompts could wait for each other's pages
            left -= AddPart(items, next, left);
        }
        return null;
    }

    // whether the pages of the whole prompt are there, and one more where others run, which will need some soon
    private bool HasRoom(ScheduledSequence sequence)
    {
        var needed = PagesFor(sequence.Length) + (_running.Count > 0 ? 1 : 0);
        for (var page = 0; page < ShareablePages(sequence) && pool.Look(sequence.Hash(page, pagePositions)) is { IsHeld: true } held; page++)
            if (!held.IsFree)
                needed--;
        return needed <= pool.Free;
    }

    // the last position is always computed, since its logits are needed
    private int ShareablePages(ScheduledSequence sequence) => sequence.MayShare ? (sequence.Length - 1) / pagePositions : 0;

    private void Reuse(ScheduledSequence sequence)
    {
        for (var page = 0; page < ShareablePages(sequence) && pool.Share(sequence.Hash(page, pagePositions)) is { } shared; page++)
            sequence.Pages.Add(shared);
        sequence.Computed = sequence.Pages.Count * pagePositions;
        if (!sequence.WasAdmitted)
            (sequence.WasAdmitted, sequence.Reused) = (true, sequence.Computed);
    }

    // the next positions of a sequence, as many as the budget allows; it has pages for them
    private static int AddPart(List<StepItem> items, ScheduledSequence sequence, int most)
    {
        var count = Math.Min(sequence.Remaining, most);
        if (count > 0)
            items.Add(new(sequence, sequence.Computed, count));
        return Math.Max(0, count);
    }

    private bool MakeRoom(ScheduledSequence sequence, int positions)
    {
        var pages = PagesFor(sequence.Computed + positions);
        if (pages - sequence.Pages.Count > pool.Free)
            return false;
        while (sequence.Pages.Count < pages)
            sequence.Pages.Add(pool.Allocate()!.Value);
        return true;
    }

    private void Preempt(ScheduledSequence sequence)
    {
        _running.Remove(sequence);
        Release(sequence);
        _queue.Return(sequence);
        Preemptions++;
    }

    // from the end, so that the beginnings, which others are likelier to share, are used anew last
    private void Release(ScheduledSequence sequence)
    {
        for (var i = sequence.Pages.Count - 1; i >= 0; i--)
            pool.Release(sequence.Pages[i]);
        sequence.Pages.Clear();
        sequence.Computed = 0;
    }
}
