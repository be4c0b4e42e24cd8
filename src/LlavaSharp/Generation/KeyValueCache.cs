using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation;

/// <summary>The keys and values of all layers for the positions computed so far. It grows in blocks, so that a short answer costs little memory.</summary>
/// <remarks>Not safe for concurrent use; it belongs to one sequence (or one batch) at a time.</remarks>
public sealed class KeyValueCache : IDisposable
{
    private const int BlockSize = 256;
    private readonly Layer[] _layers;

    /// <summary>An empty cache for a model with that many layers.</summary>
    public KeyValueCache(int layers)
    {
        _layers = new Layer[layers];
        for (var i = 0; i < layers; i++)
            _layers[i] = new Layer(this);
    }

    /// <summary>The number of positions held.</summary>
    public int Length { get; private set; }

    /// <summary>The cache of one layer.</summary>
    public ILayerCache this[int layer] => _layers[layer];

    /// <summary>Says that all layers have appended <paramref name="count"/> positions.</summary>
    public void Advance(int count) => Length += count;

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
        using var index = tensor(rows.ToArray());
        foreach (var layer in _layers)
            layer.Reorder(index);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in _layers)
            layer.Dispose();
    }

    private sealed class Layer(KeyValueCache owner) : ILayerCache, IDisposable
    {
        private Tensor? _keys;     // [B, G, capacity, D]
        private Tensor? _values;   // [B, G, capacity, D]

        public (Tensor Keys, Tensor Values) Append(Tensor keys, Tensor values)
        {
            var length = owner.Length + keys.shape[2];
            _keys = WithRoom(_keys, keys, length);
            _values = WithRoom(_values, values, length);
            using (var target = _keys.narrow(2, owner.Length, keys.shape[2]))
                target.copy_(keys);
            using (var target = _values.narrow(2, owner.Length, keys.shape[2]))
                target.copy_(values);
            return (_keys.narrow(2, 0, length), _values.narrow(2, 0, length));   // [B, G, K, D]
        }

        public void Reorder(Tensor rows)
        {
            _keys = Select(_keys, rows);
            _values = Select(_values, rows);
        }

        public void Dispose()
        {
            _keys?.Dispose();
            _values?.Dispose();
        }

        private Tensor WithRoom(Tensor? held, Tensor added, long length)
        {
            if (held is not null && held.shape[2] >= length)
                return held;
            var capacity = (length + BlockSize - 1) / BlockSize * BlockSize;
            var larger = empty([added.shape[0], added.shape[1], capacity, added.shape[3]], added.dtype, added.device).DetachFromDisposeScope();
            if (held is not null)
            {
                using var source = held.narrow(2, 0, owner.Length);
                using var target = larger.narrow(2, 0, owner.Length);
                target.copy_(source);
                held.Dispose();
            }
            return larger;
        }

        private static Tensor? Select(Tensor? held, Tensor rows)
        {
            if (held is null)
                return null;
            using var index = rows.to(held.device);
            var chosen = held.index_select(0, index).DetachFromDisposeScope();
            held.Dispose();
            return chosen;
        }
    }
}
