namespace LlavaSharp.Serving.Protocol;

/// <summary>Cancels when somebody who is listened to has been silent for too long.</summary>
internal sealed class Silence : IDisposable
{
    private readonly CancellationToken _outer;
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _linked;

    /// <summary>Begins to wait.</summary>
    /// <param name="patience">So long the other may be silent.</param>
    /// <param name="clock">What measures it.</param>
    /// <param name="outer">The listener gives up.</param>
    public Silence(TimeSpan patience, TimeProvider clock, CancellationToken outer)
    {
        (Patience, _outer, _timer) = (patience, outer, new(patience, clock));
        _linked = CancellationTokenSource.CreateLinkedTokenSource(outer, _timer.Token);
    }

    /// <summary>So long the other may be silent.</summary>
    public TimeSpan Patience { get; }

    /// <summary>Cancelled by silence, or by the listener.</summary>
    public CancellationToken Token => _linked.Token;

    /// <summary>Whether the listener gave up.</summary>
    public bool IsGivenUp => _outer.IsCancellationRequested;

    /// <summary>Something came.</summary>
    public void Restart() => _timer.CancelAfter(Patience);

    /// <inheritdoc/>
    public void Dispose()
    {
        _linked.Dispose();
        _timer.Dispose();
    }
}
