using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation;

/// <summary>Keys and values of one layer in tensors that grow in blocks.</summary>
internal sealed class DenseLayerCache(KeyValueCache owner) : LayerCache
{
    private const int BlockSize = 256;
    private Tensor? _keys;     // [B, G, capacity, D]
    private Tensor? _values;   // [B, G, capacity, D]

    /// <inheritdoc/>
    public override Tensor Attend(Tensor q, Tensor k, Tensor v, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        (k, v) = (k.transpose(1, 2), v.transpose(1, 2));                                                  // [B, G, T, D]
        var length = owner.Length + k.shape[2];
        _keys = WithRoom(_keys, k, length);
        _values = WithRoom(_values, v, length);
        _keys.narrow(2, owner.Length, k.shape[2]).copy_(k);
        _values.narrow(2, owner.Length, k.shape[2]).copy_(v);
        return ScaledDotProductAttention.ForwardHeads(q, _keys.narrow(2, 0, length), _values.narrow(2, 0, length), mask).MoveToOuterDisposeScope();   // [B, T, H*D]
    }

    /// <inheritdoc/>
    public override void Reorder(ReadOnlySpan<long> rows)
    {
        using var index = tensor(rows.ToArray());
        _keys = Select(_keys, index);
        _values = Select(_values, index);
    }

    /// <inheritdoc/>
    public override void Dispose()
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
