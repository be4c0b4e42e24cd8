using LlavaSharp.Kernels;
using LlavaSharp.Models;

namespace LlavaSharp.Generation;

/// <summary>The keys and values of all layers for the positions computed so far. It grows in blocks, so that a short answer costs little memory.</summary>
/// <remarks>Not safe for concurrent use; it belongs to one sequence (or one batch) at a time.</remarks>
public class KeyValueCache : IDisposable
{
    private readonly LayerCache[] _layers;

    /// <summary>An empty cache.</summary>
    /// <param name="layers">How many layers the model has.</param>
    /// <param name="format">How numbers are kept; integers only on a CPU.</param>
    public KeyValueCache(int layers, KeyValueFormat format = KeyValueFormat.Dense)
    {
        _layers = new LayerCache[layers];
        for (var i = 0; i < layers; i++)
            _layers[i] = format == KeyValueFormat.Dense ? new DenseLayerCache(this) : new IntegerLayerCache(this, format == KeyValueFormat.Integer8 ? CacheBits.Eight : CacheBits.Sixteen);
    }

    private protected KeyValueCache(LayerCache[] layers) => _layers = layers;

    /// <summary>The number of positions held; of sequences of different lengths, the longest one's.</summary>
    public int Length { get; private protected set; }

    /// <summary>The new positions of each sequence, which stand in one row behind each other; null: all sequences are rows of their own, and equally long.</summary>
    internal virtual IReadOnlyList<KeyValueRow>? Rows => null;

    /// <summary>The positions of a sequence's prompt, which count as computed at once; only where there are <see cref="Rows"/>.</summary>
    internal virtual int PromptLength(int row) => throw new InvalidOperationException("All sequences are rows of their own.");

    /// <summary>The cache of one layer.</summary>
    internal ILayerCache this[int layer] => _layers[layer];

    /// <summary>Says that all layers have appended <paramref name="count"/> positions.</summary>
    public virtual void Advance(int count) => Length += count;

    /// <summary>Forgets the positions from <paramref name="length"/> on, so that a shared beginning can be used again.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The cache holds fewer positions.</exception>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
    }

    /// <summary>Replaces row i by row <paramref name="rows"/>[i] (beam search); the number of rows may change.</summary>
    public void Reorder(ReadOnlySpan<long> rows)
    {
        foreach (var layer in _layers)
            layer.Reorder(rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in _layers)
            layer.Dispose();
        GC.SuppressFinalize(this);
    }
}
