namespace LlavaSharp.Generation.Batching;

/// <summary>
/// Whose turn it is: the client that was served the fewest tokens, counted from when it began to ask (virtual token counters, Sheng et al. 2024). Among the requests of
/// one client the oldest comes first.
/// </summary>
internal sealed class FairQueue
{
    private readonly Dictionary<string, Client> _clients = new(StringComparer.Ordinal);
    private long _order;

    /// <summary>The number of waiting sequences.</summary>
    public int Count { get; private set; }

    /// <summary>All that wait.</summary>
    public IEnumerable<ScheduledSequence> Waiting => _clients.Values.SelectMany(client => client.Queue);

    /// <summary>The oldest sequence of each client, the next client first.</summary>
    public IEnumerable<ScheduledSequence> Heads => _clients.Values
        .Where(client => client.Queue.Count > 0).OrderBy(client => client.Served).ThenBy(client => client.Order).Select(client => client.Queue.First!.Value);

    /// <summary>Takes a new sequence.</summary>
    public void Add(ScheduledSequence sequence)
    {
        if (!_clients.TryGetValue(sequence.Client, out var client))
        {
            // who was away gets no credit for it
            var least = _clients.Count == 0 ? 0 : _clients.Values.Min(other => other.Served);
            _clients[sequence.Client] = client = new() { Served = least };
        }
        if (client.Queue.Count == 0)
            client.Order = _order++;
        client.Open++;
        client.Queue.AddLast(sequence);
        Count++;
    }

    /// <summary>Takes a sequence back that was running; it is the next of its client.</summary>
    public void Return(ScheduledSequence sequence)
    {
        _clients[sequence.Client].Queue.AddFirst(sequence);
        Count++;
    }

    /// <summary>A waiting sequence runs from now on.</summary>
    public void Take(ScheduledSequence sequence)
    {
        if (!_clients[sequence.Client].Queue.Remove(sequence))
            throw new InvalidOperationException("The sequence does not wait.");
        Count--;
    }

    /// <summary>A sequence has ended, waiting or running.</summary>
    public void Close(ScheduledSequence sequence)
    {
        var client = _clients[sequence.Client];
        if (client.Queue.Remove(sequence))
            Count--;
        if (--client.Open == 0)
            _clients.Remove(sequence.Client);
    }

    /// <summary>Counts what a client was served.</summary>
    public void Charge(ScheduledSequence sequence, int tokens) => _clients[sequence.Client].Served += tokens;

    private sealed class Client
    {
        public readonly LinkedList<ScheduledSequence> Queue = [];
        public long Served;
        public long Order;
        public int Open;   // sequences that have not ended
    }
}
