using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;

namespace LlavaSharp.Tests.Generation.Batching;

public sealed class SchedulerTests
{
    private const int Page = 8;

    [Fact]
    public void Plan_RunningAnswers_AreNeverWithoutATokenWhileAPromptIsComputed()
    {
        var (scheduler, budget) = Create(pages: 100);
        budget.Report(1, 0, 1);
        budget.Report(1, 16, 1 + 16 * 0.25);   // a position takes a quarter of a step: 4 make it twice as long
        var answer = Ready("a", 4);
        scheduler.Add(answer);
        Step(scheduler);
        scheduler.Add(Ready("b", 20, first: 1000));
        var parts = new List<int>();
        while (scheduler.Running.Count < 2 || scheduler.Running[1].Remaining > 1)
        {
            var plan = scheduler.Plan();
            Assert.Equal(answer, plan.Items[0].Sequence);
            Assert.Equal(1, plan.Items[0].Count);
            parts.Add(plan.Items[1].Count);
            Finish(scheduler, plan);
        }
        Assert.Equal([4, 4, 4, 4, 4], parts);
    }

    [Fact]
    public void Plan_TwoClients_TakeTurnsHoweverManyRequestsOneHas()
    {
        var (scheduler, _) = Create(pages: 100, running: 1);
        foreach (var i in Enumerable.Range(0, 6))
            scheduler.Add(Ready("greedy", 8, first: 100 * i));
        foreach (var i in Enumerable.Range(0, 2))
            scheduler.Add(Ready("modest", 8, first: 10_000 + 100 * i));
        var order = new List<string>();
        while (!scheduler.IsIdle)
        {
            Finish(scheduler, scheduler.Plan());
            var served = scheduler.Running.Single();
            order.Add(served.Client);
            scheduler.Remove(served);
        }
        Assert.Equal(["greedy", "modest", "greedy", "modest"], order.Take(4));
    }

    [Fact]
    public void Plan_PagesRunOut_TheYoungestBeginsAnewAndAllAreAnswered()
    {
        var (scheduler, _) = Create(pages: 6);
        ScheduledSequence[] all = [.. Enumerable.Range(0, 3).Select(i => Ready($"c{i}", 7, first: 1000 * i))];
        foreach (var sequence in all)
            scheduler.Add(sequence);
        var answered = new HashSet<ScheduledSequence>();
        for (var step = 0; answered.Count < all.Length; step++)
        {
            Assert.True(step < 500);
            Finish(scheduler, scheduler.Plan());
            foreach (var sequence in scheduler.Running.Where(sequence => sequence.Length == 30).ToArray())
            {
                answered.Add(sequence);
                scheduler.Remove(sequence);
            }
        }
        Assert.True(scheduler.Preemptions > 0);
        Assert.True(scheduler.IsIdle);
    }

    [Fact]
    public void Plan_SharedBeginning_IsComputedOnce()
    {
        var (scheduler, _) = Create(pages: 20, least: 512);
        var first = Ready("a", 3 * Page + 1);
        scheduler.Add(first);
        Finish(scheduler, scheduler.Plan());
        var second = Ready("b", 3 * Page);
        scheduler.Add(second);
        var plan = scheduler.Plan();
        Assert.Equal(new StepItem(second, 2 * Page, Page), plan.Items[1]);   // the last position is always computed
        Assert.Equal(first.Pages.Take(2), second.Pages.Take(2));
        Finish(scheduler, plan);
        scheduler.Remove(first);
        scheduler.Remove(second);
        var third = Ready("c", 3 * Page + 5);
        scheduler.Add(third);
        Assert.Equal(3 * Page, scheduler.Plan().Items.Single().Start);
        Assert.Equal(3 * Page, third.Reused);
    }

    [Fact]
    public void Plan_UnreadySequence_IsPreparedWhileOthersRun()
    {
        var (scheduler, _) = Create(pages: 20);
        var picture = new ScheduledSequence("a");
        scheduler.Add(picture);
        scheduler.Add(Ready("b", 5));
        var plan = scheduler.Plan();
        Assert.Equal(picture, plan.Prepare);
        Assert.Equal("b", Assert.Single(plan.Items).Sequence.Client);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Plan_RandomLoad_KeepsItsBooks(int seed)
    {
        var random = new Random(seed);
        var pool = new PagePool(40);
        var scheduler = new Scheduler(pool, Page, 5, new ChunkBudget(2, 4, 32));
        var next = 0;
        var ended = 0;
        for (var step = 0; step < 3000; step++)
        {
            if (random.Next(8) == 0 && next++ < 2000)
                scheduler.Add(Ready($"c{random.Next(4)}", 1 + random.Next(120), first: random.Next(3) * 10_000));
            var plan = scheduler.Plan();
            Assert.True(scheduler.Running.Count <= 5);
            Assert.Equal(plan.Items.Count, plan.Items.Select(item => item.Sequence).Distinct().Count());
            // whoever writes a page is its only user
            var pages = scheduler.Running.SelectMany(sequence => sequence.Pages.Select((page, i) => (page, sequence, i))).ToList();
            foreach (var (sequence, start, count) in plan.Items)
            {
                Assert.Equal(sequence.Computed, start);
                Assert.True(sequence.Pages.Count * Page >= start + count);
                for (var page = start / Page; page <= (start + count - 1) / Page; page++)
                    Assert.Single(pages, used => used.page == sequence.Pages[page]);
            }
            Assert.Equal(pages.Select(used => used.page).Distinct().Count(), pool.Count - pool.Free);
            Finish(scheduler, plan);
            foreach (var sequence in scheduler.All.Where(_ => random.Next(60) == 0).ToArray())
            {
                scheduler.Remove(sequence);
                ended++;
            }
        }
        Assert.True(ended > 50);
        foreach (var sequence in scheduler.All.ToArray())
            scheduler.Remove(sequence);
        Assert.Equal(pool.Count, pool.Free);
    }

    private static (Scheduler Scheduler, ChunkBudget Budget) Create(int pages, int running = 8, int least = 1)
    {
        var budget = new ChunkBudget(2, least, 512);
        return (new Scheduler(new PagePool(pages), Page, running, budget), budget);
    }

    // a sequence whose prompt is first, first + 1, ...
    private static ScheduledSequence Ready(string client, int prompt, int first = 0)
    {
        var sequence = new ScheduledSequence(client);
        sequence.SetPrompt([.. Enumerable.Range(first, prompt).Select(id => new PositionKey(id))]);
        return sequence;
    }

    private static void Step(Scheduler scheduler) => Finish(scheduler, scheduler.Plan());

    // computes a plan and gives every sequence that reached its end a token
    private static void Finish(Scheduler scheduler, StepPlan plan)
    {
        var ends = plan.Items.Where(item => item.ReachesEnd).Select(item => item.Sequence).ToList();
        scheduler.Complete(plan);
        foreach (var sequence in ends)
            sequence.Append(7);
    }
}
