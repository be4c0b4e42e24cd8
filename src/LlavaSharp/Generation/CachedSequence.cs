using System.Runtime.InteropServices;

namespace LlavaSharp.Generation;

/// <summary>
/// Keys and values of one sequence together with what stands at its positions, so that a prompt that begins like an earlier one only computes what is new.
/// Only positions that were said to be complete are ever used again: what a pass that failed has left in the cache lies behind them.
/// </summary>
/// <remarks>Not safe for concurrent use.</remarks>
internal sealed class CachedSequence(Func<KeyValueCache> create) : IDisposable
{
    private readonly List<PositionKey> _contents = [];
    private KeyValueCache? _cache;

    /// <summary>The keys and values; positions from <see cref="Length"/> on are not part of the sequence yet.</summary>
    public KeyValueCache Cache => _cache ??= create();

    /// <summary>The number of complete positions.</summary>
    public int Length => _contents.Count;

    /// <summary>What stands at the complete positions.</summary>
    public ReadOnlySpan<PositionKey> Contents => CollectionsMarshal.AsSpan(_contents);

    /// <summary>Keeps what a prompt begins with, and forgets the rest. The prompt's last position is always left to compute, since its logits are needed.</summary>
    /// <returns>How many positions of the prompt are held.</returns>
    /// <exception cref="ArgumentException">The prompt is empty.</exception>
    public int Begin(ReadOnlySpan<PositionKey> prompt)
    {
        if (prompt.IsEmpty)
            throw new ArgumentException("The prompt has no positions.", nameof(prompt));
        var shared = Math.Min(Contents.CommonPrefixLength(prompt), prompt.Length - 1);
        CollectionsMarshal.SetCount(_contents, shared);
        Rollback();
        return shared;
    }

    /// <summary>Says that the next positions of the cache are complete, and what stands there.</summary>
    /// <exception cref="InvalidOperationException">The cache holds fewer positions.</exception>
    public void Append(params ReadOnlySpan<PositionKey> added)
    {
        if (Length + added.Length > Cache.Length)
            throw new InvalidOperationException($"{added.Length} positions behind {Length} are said to be complete, but the cache holds {Cache.Length}.");
        _contents.AddRange(added);
    }

    /// <summary>Forgets what the cache holds behind the complete positions.</summary>
    public void Rollback() => _cache?.Truncate(Length);

    /// <summary>Forgets everything and frees the memory.</summary>
    public void Clear()
    {
        _contents.Clear();
        _cache?.Dispose();
        _cache = null;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();
}
