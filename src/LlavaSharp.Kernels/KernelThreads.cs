namespace LlavaSharp.Kernels;

/// <summary>
/// Threads that stay: handing them work costs about a microsecond while they still look out for it, where a thread pool costs tens. They look out for a
/// short while after each piece of work and then sleep, so that an idle process takes no processor time.
/// </summary>
/// <remarks>One piece of work at a time; a caller that finds the threads busy does its work alone.</remarks>
internal sealed class KernelThreads : IDisposable
{
    /// <summary>Numbers from which on work is worth being shared: about ten microseconds of it.</summary>
    public const long WorthSharing = 32_768;

    private const int Spins = 2000;   // of about 20 ns each: 40 microseconds
    private const int Yields = 2000;  // then of about a microsecond each, which leave the processor to whoever wants it: waking a sleeper costs fifty

    private static readonly Lock _sharing = new();
    private static volatile KernelThreads? _shared;

    private readonly Lock _oneCaller = new();
    private readonly object _gate = new();
    private readonly Thread[] _threads;
    private KernelWork? _work;
    private int _parts;
    private int _next;
    private int _generation;
    private int _running;
    private int _sleeping;
    private volatile bool _stop;

    /// <summary>Starts the threads.</summary>
    /// <param name="count">How many compute, the caller included.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than one.</exception>
    public KernelThreads(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        _threads = new Thread[count - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            _threads[i] = new Thread(Serve) { IsBackground = true, Name = $"LlavaSharp kernels {i + 1}" };
            _threads[i].Start();
        }
    }

    /// <summary>What all of the process computes with: one thread for each processor that it may use, unless <see cref="SetShared"/> said otherwise.</summary>
    public static KernelThreads Shared
    {
        get
        {
            if (_shared is { } threads)
                return threads;
            lock (_sharing)
                return _shared ??= new(Environment.ProcessorCount);
        }
    }

    /// <summary>Chooses how many threads compute from now on, as libtorch's own setting for the process does.</summary>
    /// <param name="count">How many, the caller included.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than one.</exception>
    public static void SetShared(int count)
    {
        lock (_sharing)
        {
            if (_shared?.Count != count)
                _shared = new(count);   // who computes with the former ones goes on; they sleep when nobody does
        }
    }

    /// <summary>How many compute, the caller included.</summary>
    public int Count { get; }

    /// <summary>Runs each part of <paramref name="work"/> once, on all threads; returns when all are done.</summary>
    /// <param name="work">What to do.</param>
    /// <param name="parts">How many parts there are; a thread that is done takes the next one.</param>
    public void Run(KernelWork work, int parts)
    {
        if (parts <= 1 || _threads.Length == 0 || !_oneCaller.TryEnter())
        {
            for (var part = 0; part < parts; part++)
                work.RunPart(part);
            return;
        }
        try
        {
            (_work, _parts, _next) = (work, parts, 0);
            Volatile.Write(ref _running, _threads.Length);
            Interlocked.Increment(ref _generation);   // what was written before is seen by whoever sees this
            if (Volatile.Read(ref _sleeping) > 0)
            {
                lock (_gate)
                    Monitor.PulseAll(_gate);
            }
            TakeParts();
            var spinner = new SpinWait();
            while (Volatile.Read(ref _running) > 0)
                spinner.SpinOnce(sleep1Threshold: -1);   // gives way to others, but never sleeps a whole tick
        }
        finally
        {
            _work = null;
            _oneCaller.Exit();
        }
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        _stop = true;
        Interlocked.Increment(ref _generation);
        lock (_gate)
            Monitor.PulseAll(_gate);
        foreach (var thread in _threads)
            thread.Join();
    }

    private void TakeParts()
    {
        for (var part = Interlocked.Increment(ref _next) - 1; part < _parts; part = Interlocked.Increment(ref _next) - 1)
            _work!.RunPart(part);
    }

    private void Serve()
    {
        var seen = 0;
        while (true)
        {
            seen = WaitForWork(seen);
            if (_stop)
                return;
            TakeParts();
            Interlocked.Decrement(ref _running);
        }
    }

    private int WaitForWork(int seen)
    {
        for (var i = 0; i < Spins; i++)
        {
            if (Volatile.Read(ref _generation) is var now && now != seen)
                return now;
            Thread.SpinWait(1);
        }
        for (var i = 0; i < Yields; i++)
        {
            if (Volatile.Read(ref _generation) is var now && now != seen)
                return now;
            Thread.Yield();
        }
        lock (_gate)
        {
            // said before the last look: whoever publishes after it sees a sleeper and wakes it
            Interlocked.Increment(ref _sleeping);
            while (Volatile.Read(ref _generation) == seen)
                Monitor.Wait(_gate);
            Interlocked.Decrement(ref _sleeping);
            return _generation;
        }
    }
}
