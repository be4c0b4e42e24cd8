using System.Threading.Channels;

namespace LlavaSharp.Training;

/// <summary>Makes micro-batches ahead of their use, on threads of the pool; their order and contents do not depend on the threads.</summary>
internal sealed class BatchStream<TBatch> : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<Task<TBatch>> _channel;
    private readonly Task _feeding;

    public BatchStream(Func<IReadOnlyList<long>, CancellationToken, TBatch> prepare, BatchOrder order, long first, int ahead)
    {
        _channel = Channel.CreateBounded<Task<TBatch>>(new BoundedChannelOptions(ahead) { SingleReader = true, SingleWriter = true });
        _feeding = Task.Run(() => FeedAsync(prepare, order, first));
    }

    /// <summary>The next micro-batch; waits for it.</summary>
    public TBatch Next() => _channel.Reader.ReadAsync(_stop.Token).AsTask().GetAwaiter().GetResult().GetAwaiter().GetResult();

    public void Dispose()
    {
        _stop.Cancel();
        try
        {
            _feeding.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            // that is how it ends
        }
        _stop.Dispose();
    }

    private async Task FeedAsync(Func<IReadOnlyList<long>, CancellationToken, TBatch> prepare, BatchOrder order, long first)
    {
        var stop = _stop.Token;
        for (var number = first; ; number++)
        {
            var indices = order.Indices(number);
            await _channel.Writer.WaitToWriteAsync(stop).ConfigureAwait(false);
            await _channel.Writer.WriteAsync(Task.Run(() => prepare(indices, stop), stop), stop).ConfigureAwait(false);
        }
    }
}
