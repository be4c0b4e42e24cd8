using LlavaSharp.Serving.Protocol;

namespace LlavaSharp.Serving.Controller;

/// <summary>The workers that a controller knows, in the order in which they came. Safe for concurrent use; asks nobody.</summary>
/// <param name="method">How one is chosen.</param>
/// <param name="clock">What time it is.</param>
/// <param name="random">What the lottery draws with.</param>
/// <param name="expiration">So long a worker may be silent; null: <see cref="DefaultExpiration"/>.</param>
internal sealed class WorkerRegistry(DispatchMethod method, TimeProvider clock, Random random, TimeSpan? expiration = null)
{
    /// <summary>The original's <c>CONTROLLER_HEART_BEAT_EXPIRATION</c>.</summary>
    public static readonly TimeSpan DefaultExpiration = TimeSpan.FromSeconds(30);

    private const float LeastSpeed = 1e-4f;   // of all workers of a model together; the original's

    private readonly Lock _lock = new();
    private OrderedDictionary<string, Entry> _workers = new(StringComparer.Ordinal);

    /// <summary>So long a worker may be silent.</summary>
    public TimeSpan Expiration { get; } = expiration ?? DefaultExpiration;

    /// <summary>The workers, and whether each must send heartbeats.</summary>
    public IReadOnlyList<(string Address, bool CheckHeartBeat)> Workers
    {
        get
        {
            lock (_lock)
                return [.. _workers.Select(worker => (worker.Key, worker.Value.CheckHeartBeat))];
        }
    }

    /// <summary>The models that can be asked, each once.</summary>
    public IReadOnlyList<string> Models
    {
        get
        {
            lock (_lock)
                return [.. _workers.Values.SelectMany(worker => worker.Status.ModelNames).Distinct(StringComparer.Ordinal)];
        }
    }

    /// <summary>The conversation templates that workers named, by model; where they disagree, the first one's.</summary>
    public IReadOnlyDictionary<string, string> Templates
    {
        get
        {
            lock (_lock)
                return _workers.Values.SelectMany(worker => worker.Status.Templates).DistinctBy(template => template.Key).ToDictionary(StringComparer.Ordinal);
        }
    }

    /// <summary>Adds a worker, or replaces what is known of it.</summary>
    public void Register(string address, bool checkHeartBeat, WorkerStatus status)
    {
        lock (_lock)
            _workers[address] = new(status, checkHeartBeat, clock.GetTimestamp());
    }

    /// <summary>Forgets every worker but these.</summary>
    public void Replace(IEnumerable<(string Address, bool CheckHeartBeat, WorkerStatus Status)> workers)
    {
        lock (_lock)
        {
            _workers = new(StringComparer.Ordinal);
            foreach (var (address, checkHeartBeat, status) in workers)
                _workers[address] = new(status, checkHeartBeat, clock.GetTimestamp());
        }
    }

    /// <summary>Notes that a worker lives.</summary>
    /// <returns>Whether it is known.</returns>
    public bool HeartBeat(string address, double queueLength)
    {
        lock (_lock)
        {
            if (!_workers.TryGetValue(address, out var worker))
                return false;
            _workers[address] = worker with { Status = worker.Status with { QueueLength = queueLength }, LastHeartBeat = clock.GetTimestamp() };
            return true;
        }
    }

    /// <summary>Forgets the workers that must send heartbeats and have not for too long.</summary>
    /// <returns>Their addresses.</returns>
    public IReadOnlyList<string> RemoveExpired()
    {
        lock (_lock)
        {
            string[] expired = [.. _workers.Where(worker => worker.Value.CheckHeartBeat && clock.GetElapsedTime(worker.Value.LastHeartBeat) > Expiration).Select(worker => worker.Key)];
            foreach (var address in expired)
                _workers.Remove(address);
            return expired;
        }
    }

    /// <summary>Chooses a worker for a model, and counts the request that will come.</summary>
    /// <returns>Its address, or null.</returns>
    public string? Choose(string model)
    {
        lock (_lock)
        {
            KeyValuePair<string, Entry>[] able = [.. _workers.Where(worker => worker.Value.Status.ModelNames.Contains(model, StringComparer.Ordinal))];
            return method == DispatchMethod.Lottery ? Draw(able) : TakeShortest(able);
        }
    }

    private string? Draw(KeyValuePair<string, Entry>[] able)
    {
        var sum = able.Sum(worker => (float)worker.Value.Status.Speed);
        if (sum < LeastSpeed)
            return null;
        var drawn = random.NextSingle() * sum;
        foreach (var (address, worker) in able)
            if ((drawn -= (float)worker.Status.Speed) < 0)
                return address;
        return able.Last(worker => worker.Value.Status.Speed > 0).Key;   // rounding may leave a little
    }

    private string? TakeShortest(KeyValuePair<string, Entry>[] able)
    {
        if (able.Length == 0)
            return null;
        var (address, worker) = able.MinBy(candidate => candidate.Value.Load);
        _workers[address] = worker with { Status = worker.Status with { QueueLength = worker.Status.QueueLength + 1 } };
        return address;
    }

    private sealed record Entry(WorkerStatus Status, bool CheckHeartBeat, long LastHeartBeat)
    {
        // a worker without speed is the last to be chosen
        public double Load => Status.Speed > 0 ? Status.QueueLength / Status.Speed : double.PositiveInfinity;
    }
}
