using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation;

/// <summary>The keys and values of one layer of a <see cref="KeyValueCache"/>.</summary>
internal abstract class LayerCache : ILayerCache, IDisposable
{
    /// <inheritdoc/>
    public abstract Tensor Attend(Tensor q, Tensor k, Tensor v, AttentionMask mask);

    /// <summary>Row i becomes what row <paramref name="rows"/>[i] was.</summary>
    public abstract void Reorder(ReadOnlySpan<long> rows);

    /// <inheritdoc/>
    public abstract void Dispose();
}
