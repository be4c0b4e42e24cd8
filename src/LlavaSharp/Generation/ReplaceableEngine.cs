using System.Runtime.CompilerServices;

namespace LlavaSharp.Generation;

/// <summary>
/// An engine in whose place another one can be put while it answers: what is being answered goes on with the old one, which is disposed of when its last answer has
/// ended; all that comes later is answered by the new one. Safe for concurrent use.
/// </summary>
public sealed class ReplaceableEngine : IGenerationEngine, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Task> _retired = [];
    private Tenant _current;
    private bool _isDisposed;

    /// <summary>Begins with an engine.</summary>
    /// <param name="engine">What answers at first.</param>
    /// <param name="dispose">Frees it, and its model; called once.</param>
    public ReplaceableEngine(IGenerationEngine engine, Func<ValueTask> dispose)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(dispose);
        _current = new(engine, dispose);
    }

    /// <inheritdoc/>
    public LlavaModel Model
    {
        get
        {
            lock (_lock)
                return _current.Engine.Model;
        }
    }

    /// <summary>Puts another engine in the place of the one that is there. Returns at once; the old one is freed later.</summary>
    /// <param name="engine">What answers from now on.</param>
    /// <param name="dispose">Frees it, and its model; called once.</param>
    /// <exception cref="ObjectDisposedException">This was disposed; nothing has become of the new one.</exception>
    public void Replace(IGenerationEngine engine, Func<ValueTask> dispose)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(dispose);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _retired.RemoveAll(task => task.IsCompletedSuccessfully);
            _retired.Add(_current.RetireAsync());
            _current = new(engine, dispose);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">This was disposed.</exception>
    public async IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Tenant tenant;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            tenant = _current;
            tenant.Enter();
        }
        try
        {
            await foreach (var update in tenant.Engine.GenerateAsync(request, cancellationToken).ConfigureAwait(false))
                yield return update;
        }
        finally
        {
            tenant.Leave();
        }
    }

    /// <summary>Frees all engines, when their last answers have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] retired;
        lock (_lock)
        {
            if (!_isDisposed)
                _retired.Add(_current.RetireAsync());
            _isDisposed = true;
            retired = [.. _retired];
        }
        await Task.WhenAll(retired).ConfigureAwait(false);
    }

    // an engine, and how many answers it is giving; the one that holds the place counts as one
    private sealed class Tenant(IGenerationEngine engine, Func<ValueTask> dispose)
    {
        private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _inside = 1;

        public IGenerationEngine Engine => engine;

        public void Enter() => Interlocked.Increment(ref _inside);

        public void Leave()
        {
            if (Interlocked.Decrement(ref _inside) == 0)
                _empty.SetResult();
        }

        public async Task RetireAsync()
        {
            Leave();
            await _empty.Task.ConfigureAwait(false);
            await dispose().ConfigureAwait(false);
        }
    }
}
