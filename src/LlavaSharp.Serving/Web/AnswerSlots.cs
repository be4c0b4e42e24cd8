namespace LlavaSharp.Serving.Web;

/// <summary>Lets a number of answers run at once; further ones wait. Safe for concurrent use.</summary>
internal sealed class AnswerSlots(int count) : IDisposable
{
    private readonly SemaphoreSlim _free = new(count);
    private int _inside;

    /// <summary>Takes a slot.</summary>
    /// <param name="wait">Is told how many answers run or wait before this one, where it has to wait.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task EnterAsync(Func<int, Task> wait, CancellationToken cancellation)
    {
        var ahead = Interlocked.Increment(ref _inside) - 1;
        try
        {
            if (_free.Wait(0, cancellation))
                return;
            await wait(ahead).ConfigureAwait(false);
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
