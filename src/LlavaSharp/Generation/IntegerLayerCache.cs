using LlavaSharp.Kernels;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation;

/// <summary>Keys and values of one layer as integers, attended to by our own kernel where only a few positions are new.</summary>
internal sealed unsafe class IntegerLayerCache(KeyValueCache owner, CacheBits bits) : LayerCache
{
    internal const int FewQueries = 16;   // from there on, libtorch's matrix products over restored numbers are faster
    private KeyValueStore? _store;

    /// <inheritdoc/>
    public override Tensor Attend(Tensor q, Tensor k, Tensor v, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        var threads = KernelThreads.Shared;
        int batch = (int)q.shape[0], length = (int)q.shape[1], heads = (int)q.shape[2], width = (int)q.shape[3], groups = (int)k.shape[2];
        var store = _store ??= new KeyValueStore(groups, width, bits);
        Tensor keys = Readable(k), values = Readable(v);                                                  // [B, T, G, D]
        store.Append(batch, owner.Length, length, Pointer(keys), Pointer(values), threads);
        if (length <= FewQueries && !mask.IsPadded)
        {
            var queries = Readable(q);                                                                    // [B, T, H, D]
            var mixed = empty([batch, length, heads * width], ScalarType.Float32);                        // [B, T, H*D]
            store.Attend(owner.Length, length, heads, mask.Window, 1 / MathF.Sqrt(width), Pointer(queries), Pointer(mixed), threads);
            return (q.dtype == ScalarType.Float32 ? mixed : mixed.to(q.dtype)).MoveToOuterDisposeScope();
        }
        // what is kept is read even where nothing precedes, so that a prompt computed at once agrees with one computed in pieces
        var all = owner.Length + length;
        var allKeys = empty([batch, groups, all, width], ScalarType.Float32);                             // [B, G, K, D]
        var allValues = empty([batch, groups, all, width], ScalarType.Float32);
        store.Restore(all, Pointer(allKeys), Pointer(allValues), threads);
        return ScaledDotProductAttention.ForwardHeads(q, allKeys.to(q.dtype), allValues.to(q.dtype), mask).MoveToOuterDisposeScope();   // [B, T, H*D]
    }

    /// <inheritdoc/>
    public override void Reorder(ReadOnlySpan<long> rows) => _store?.Reorder(rows);

    /// <inheritdoc/>
    public override void Dispose() => _store?.Dispose();

    internal static Tensor Readable(Tensor x) => FusedOperations.Fits(x) ? x : x.to(ScalarType.Float32).contiguous();

    private static float* Pointer(Tensor x) => FusedOperations.Pointer(x);
}
