using System.Runtime.CompilerServices;
using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Generation;

public sealed class ReplaceableEngineTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Replace_WhileAnAnswerRuns_EndsItWithTheOldEngineAndFreesItThen()
    {
        var (first, second) = (new Double("first"), new Double("second"));
        await using var engine = new ReplaceableEngine(first, first.DisposeAsync);
        await using var running = engine.GenerateAsync(new() { Prompt = "a" }, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await running.MoveNextAsync());
        engine.Replace(second, second.DisposeAsync);

        Assert.Equal(["second", "second"], await AllAsync(engine));
        Assert.False(first.Freed.IsCompleted);
        Assert.True(await running.MoveNextAsync());
        Assert.Equal("first", running.Current.Text);
        Assert.False(await running.MoveNextAsync());
        await first.Freed.WaitAsync(Cancellation);
        Assert.False(second.Freed.IsCompleted);
    }

    [Fact]
    public async Task Answer_AbandonedOrFailing_LeavesItsEngine()
    {
        var (first, second) = (new Double("first"), new Double("second"));
        await using var engine = new ReplaceableEngine(first, first.DisposeAsync);
        await foreach (var _ in engine.GenerateAsync(new() { Prompt = "a" }, Cancellation))
            break;
        await Assert.ThrowsAsync<GenerationException>(async () => await engine.GenerateAsync(new() { Prompt = "fail" }, Cancellation).GetAsyncEnumerator(Cancellation).MoveNextAsync());
        engine.Replace(second, second.DisposeAsync);
        await first.Freed.WaitAsync(Cancellation);
    }

    [Fact]
    public async Task Dispose_Twice_FreesEachEngineOnce()
    {
        var (first, second) = (new Double("first"), new Double("second"));
        var engine = new ReplaceableEngine(first, first.DisposeAsync);
        engine.Replace(second, second.DisposeAsync);
        await engine.DisposeAsync();
        await engine.DisposeAsync();
        Assert.True(first.Freed.IsCompleted && second.Freed.IsCompleted);
        Assert.Throws<ObjectDisposedException>(() => engine.Replace(first, first.DisposeAsync));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => AllAsync(engine));
    }

    private static async Task<string[]> AllAsync(ReplaceableEngine engine)
    {
        var texts = new List<string>();
        await foreach (var update in engine.GenerateAsync(new() { Prompt = "a" }, Cancellation))
            texts.Add(update.Text);
        return [.. texts];
    }

    // says its name twice
    private sealed class Double(string name) : IGenerationEngine
    {
        private readonly TaskCompletionSource _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Freed => _freed.Task;

        public LlavaModel Model => throw new NotSupportedException();

        public async IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            if (request.Prompt == "fail")
                throw new GenerationException("The test wants it to fail.");
            for (var i = 0; i < 2; i++)
            {
                await Task.Yield();
                yield return new(name);
            }
        }

        public ValueTask DisposeAsync()
        {
            _freed.SetResult();   // throws, if it is freed twice
            return ValueTask.CompletedTask;
        }
    }
}
