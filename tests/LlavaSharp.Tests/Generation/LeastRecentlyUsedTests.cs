using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Generation;

public sealed class LeastRecentlyUsedTests
{
    [Fact]
    public void Add_BeyondTheCapacity_DropsWhatWasNotAskedForTheLongest()
    {
        var values = Enumerable.Range(0, 4).Select(_ => new Value()).ToArray();
        var cache = new LeastRecentlyUsed<int, Value>(100);
        cache.Add(0, values[0], 40);
        cache.Add(1, values[1], 40);
        Assert.True(cache.TryGet(0, out var found));
        Assert.Same(values[0], found);

        cache.Add(2, values[2], 30);

        Assert.Equal([false, true, false], values.Take(3).Select(value => value.IsDisposed));
        Assert.False(cache.TryGet(1, out _));
        Assert.Equal((2, 70L), (cache.Count, cache.Bytes));

        cache.Add(3, values[3], 100);

        Assert.Equal([true, true, true, false], values.Select(value => value.IsDisposed));
        Assert.Equal((1, 100L), (cache.Count, cache.Bytes));
    }

    [Fact]
    public void Add_LargerThanTheCapacityOrTwice_IsRefusedAndKeepsWhatIsHeld()
    {
        var cache = new LeastRecentlyUsed<int, Value>(100);
        var first = new Value();
        cache.Add(0, first, 100);

        Assert.Throws<ArgumentException>(() => cache.Add(1, new Value(), 101));
        Assert.Throws<ArgumentException>(() => cache.Add(0, new Value(), 1));
        Assert.False(cache.Holds(101));
        Assert.False(first.IsDisposed);
        Assert.True(cache.TryGet(0, out _));
    }

    [Fact]
    public void Dispose_WithValues_DisposesThem()
    {
        var value = new Value();
        var cache = new LeastRecentlyUsed<int, Value>(100);
        cache.Add(0, value, 1);

        cache.Dispose();

        Assert.True(value.IsDisposed);
        Assert.Equal((0, 0L), (cache.Count, cache.Bytes));
    }

    private sealed class Value : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
