using LlavaSharp.Kernels;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation.Batching;

/// <summary>Keys and values of one layer as integers in pages: our own kernel attends where only a few positions of a sequence are new.</summary>
internal sealed unsafe class PagedIntegerLayerCache(PagedKeyValueCache owner, CacheBits bits) : LayerCache
{
    private KeyValueStore? _store;

    /// <inheritdoc/>
    public override Tensor Attend(Tensor q, Tensor k, Tensor v, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        var threads = KernelThreads.Shared;
        int heads = (int)q.shape[2], width = (int)q.shape[3], groups = (int)k.shape[2];
        var store = _store ??= new KeyValueStore(groups, width, bits, owner.PagePositions);
        store.UsePages(owner.Tables);
        Tensor keys = IntegerLayerCache.Readable(k), values = IntegerLayerCache.Readable(v), queries = IntegerLayerCache.Readable(q);   // [1, T, G or H, D]
        KeyValueRow[] rows = [.. owner.Rows];
        store.Append(rows, FusedOperations.Pointer(keys), FusedOperations.Pointer(values), threads);
        var mixed = empty([1, q.shape[1], heads * width], ScalarType.Float32);                                 // [1, T, H*D]
        long offset = 0;
        for (var row = 0; row < rows.Length;)
        {
            // rows with few new positions are computed together
            var next = row;
            long tokens = 0;
            while (next < rows.Length && rows[next].Count <= IntegerLayerCache.FewQueries && !mask.IsPadded)
                tokens += rows[next++].Count;
            if (next > row)
            {
                var at = offset * heads * width;
                store.Attend(row, rows.AsSpan(row, next - row), heads, mask.Window, 1 / MathF.Sqrt(width), FusedOperations.Pointer(queries) + at, FusedOperations.Pointer(mixed) + at, threads);
                (row, offset) = (next, offset + tokens);
                continue;
            }
            var count = rows[row].Count;
            var all = rows[row].Start + count;
            using var inner = NewDisposeScope();
            var allKeys = empty([1, groups, all, width], ScalarType.Float32);                                  // [1, G, K, D]
            var allValues = empty([1, groups, all, width], ScalarType.Float32);
            store.Restore(row, 1, all, FusedOperations.Pointer(allKeys), FusedOperations.Pointer(allValues), threads);
            var part = ScaledDotProductAttention.ForwardHeads(q.narrow(1, offset, count), allKeys.to(q.dtype), allValues.to(q.dtype), owner.Mask(mask, rows[row]));
            mixed.narrow(1, offset, count).copy_(part);                                                        // [1, t, H*D]
            offset += count;
            row++;
        }
        return (q.dtype == ScalarType.Float32 ? mixed : mixed.to(q.dtype)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Reorder(ReadOnlySpan<long> rows) => throw new NotSupportedException("Pages have no order of rows.");

    /// <inheritdoc/>
    public override void Dispose() => _store?.Dispose();
}
