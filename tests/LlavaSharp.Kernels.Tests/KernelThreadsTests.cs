namespace LlavaSharp.Kernels.Tests;

public sealed class KernelThreadsTests
{
    private sealed class Counting(int parts) : KernelWork
    {
        public int[] Counts { get; } = new int[parts];

        public override void RunPart(int part) => Interlocked.Increment(ref Counts[part]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Run_ManyTimes_RunsEachPartOnce(int count)
    {
        using var threads = new KernelThreads(count);
        for (var round = 0; round < 2000; round++)
        {
            var work = new Counting(round % 23);
            threads.Run(work, work.Counts.Length);
            Assert.All(work.Counts, n => Assert.Equal(1, n));
        }
    }

    [Fact]
    public void Run_AfterThreadsFellAsleep_WakesThem()
    {
        using var threads = new KernelThreads(3);
        for (var round = 0; round < 20; round++)
        {
            Thread.Sleep(5);
            var work = new Counting(50);
            threads.Run(work, 50);
            Assert.All(work.Counts, n => Assert.Equal(1, n));
        }
    }

    [Fact]
    public async Task Run_SeveralCallersAtOnce_AllAreServed()
    {
        using var threads = new KernelThreads(3);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() =>
        {
            for (var round = 0; round < 500; round++)
            {
                var work = new Counting(17);
                threads.Run(work, 17);
                Assert.All(work.Counts, n => Assert.Equal(1, n));
            }
        })));
    }

    [Fact]
    public void Constructor_NoThread_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new KernelThreads(0));
}
