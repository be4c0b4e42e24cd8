using System.Collections.Concurrent;

namespace LlavaSharp.Generation;

/// <summary>The one thread that talks to libtorch for a model, so that its thread-local scopes and modes never leak into callers' threads.</summary>
internal sealed class ModelThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = new(new ConcurrentQueue<Action>());
    private readonly Thread _thread;

    public ModelThread(string name)
    {
        _thread = new Thread(Loop) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Queues work; the task ends with it.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Task<T> Run<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            _work.Add(() =>
            {
                try
                {
                    completion.SetResult(work());
                }
                catch (OperationCanceledException canceled)
                {
                    completion.SetCanceled(canceled.CancellationToken);
                }
                catch (Exception exception)
                {
                    completion.SetException(exception);
                }
            });
        }
        catch (Exception exception) when (exception is InvalidOperationException or ObjectDisposedException)
        {
            throw new ObjectDisposedException("The model was disposed.", exception);
        }
        return completion.Task;
    }

    /// <summary>Runs work and waits for it.</summary>
    public T Invoke<T>(Func<T> work)
    {
        if (Thread.CurrentThread == _thread)
            return work();
        return Run(work).GetAwaiter().GetResult();
    }

    /// <summary>Finishes what is queued, then ends the thread.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        if (Thread.CurrentThread != _thread)
            _thread.Join();
        _work.Dispose();
    }

    private void Loop()
    {
        foreach (var work in _work.GetConsumingEnumerable())
            work();
    }
}
