using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation.Batching;

/// <summary>Keys and values of one layer as computed, in pages, on any device.</summary>
internal sealed class PagedDenseLayerCache(PagedKeyValueCache owner, int pages) : LayerCache
{
    private Tensor? _keys;     // [pages * positions, G, D]
    private Tensor? _values;   // [pages * positions, G, D]

    /// <inheritdoc/>
    public override Tensor Attend(Tensor q, Tensor k, Tensor v, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        _keys ??= Room(k);
        _values ??= Room(v);
        var slots = owner.NewSlots(k.device);
        _keys.index_copy_(0, slots, k.squeeze(0));                                                             // [T, G, D] each
        _values.index_copy_(0, slots, v.squeeze(0));
        var parts = new List<Tensor>(owner.Rows.Count);
        long offset = 0;
        for (var row = 0; row < owner.Rows.Count; row++)
        {
            var (start, count) = owner.Rows[row];
            using var inner = NewDisposeScope();
            var held = tensor(owner.Slots(row, 0, start + count), device: k.device);
            var keys = _keys.index_select(0, held).transpose(0, 1).unsqueeze(0);                               // [1, G, K, D]
            var values = _values.index_select(0, held).transpose(0, 1).unsqueeze(0);                           // [1, G, K, D]
            parts.Add(ScaledDotProductAttention.ForwardHeads(q.narrow(1, offset, count), keys, values, owner.Mask(mask, owner.Rows[row])).MoveToOuterDisposeScope());
            offset += count;
        }
        return cat(parts, 1).MoveToOuterDisposeScope();                                                        // [1, T, H*D]
    }

    /// <inheritdoc/>
    public override void Reorder(ReadOnlySpan<long> rows) => throw new NotSupportedException("Pages have no order of rows.");

    /// <inheritdoc/>
    public override void Dispose()
    {
        _keys?.Dispose();
        _values?.Dispose();
    }

    // on a CPU, what is not written takes no memory
    private Tensor Room(Tensor like) => zeros([(long)pages * owner.PagePositions, like.shape[2], like.shape[3]], like.dtype, like.device).DetachFromDisposeScope();
}
