namespace LlavaSharp.Generation;

/// <summary>Values by their keys up to a number of bytes; what was not asked for the longest makes room for what is new.</summary>
/// <param name="capacity">The most bytes held together; 0 holds nothing.</param>
/// <remarks>Not safe for concurrent use. Values are disposed of when they leave.</remarks>
internal sealed class LeastRecentlyUsed<TKey, TValue>(long capacity) : IDisposable
    where TKey : notnull
    where TValue : IDisposable
{
    private readonly Dictionary<TKey, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _order = [];   // the latest first

    /// <summary>How many values are held.</summary>
    public int Count => _entries.Count;

    /// <summary>The bytes of all values held.</summary>
    public long Bytes { get; private set; }

    /// <summary>The value of a key, which counts as used now.</summary>
    public bool TryGet(TKey key, out TValue value)
    {
        if (!_entries.TryGetValue(key, out var node))
        {
            value = default!;
            return false;
        }
        _order.Remove(node);
        _order.AddFirst(node);
        value = node.Value.Value;
        return true;
    }

    /// <summary>Whether a value of that size would be held.</summary>
    public bool Holds(long bytes) => bytes <= capacity;

    /// <summary>Holds a value, which this owns from now on.</summary>
    /// <exception cref="ArgumentException">The key is held already, or the value is larger than the capacity.</exception>
    public void Add(TKey key, TValue value, long bytes)
    {
        if (!Holds(bytes))
            throw new ArgumentException($"The value takes {bytes} bytes; all together may take {capacity}.", nameof(bytes));
        if (_entries.ContainsKey(key))
            throw new ArgumentException("The key is held already.", nameof(key));
        while (Bytes + bytes > capacity)
            Remove(_order.Last!);
        _entries.Add(key, _order.AddFirst(new Entry(key, value, bytes)));
        Bytes += bytes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_order.Last is { } last)
            Remove(last);
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        _order.Remove(node);
        _entries.Remove(node.Value.Key);
        Bytes -= node.Value.Bytes;
        node.Value.Value.Dispose();
    }

    private readonly record struct Entry(TKey Key, TValue Value, long Bytes);
}
