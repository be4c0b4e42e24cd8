namespace LlavaSharp.Serving.Workers;

/// <summary>Lets a number of requests be answered at once; counts those that run and those that wait. Safe for concurrent use.</summary>
internal sealed class WorkerSlots(int count) : IDisposable
{
    private readonly SemaphoreSlim _free = new(count);
    private int _inside;

    /// <summary>Requests that run or wait.</summary>
    public int QueueLength => Volatile.Read(ref _inside);

    /// <summary>Waits for a slot.</summary>
    public async Task EnterAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _inside);
        try
        {
            await _free.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            Interlocked.Decrement(ref _inside);
            throw;
        }
    }

    /// <summary>Gives the slot back.</summary>
    public void Leave()
    {
        Interlocked.Decrement(ref _inside);
        _free.Release();
    }

    /// <inheritdoc/>
    public void Dispose() => _free.Dispose();
}
