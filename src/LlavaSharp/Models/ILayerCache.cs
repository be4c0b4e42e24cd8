using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>What an attention layer needs of a key-value cache: hand in the new keys and values, and have the queries answered over all of them.</summary>
internal interface ILayerCache
{
    /// <summary>Keeps the new keys and values, and attends.</summary>
    /// <param name="q">[B, T, H, D].</param>
    /// <param name="k">[B, T, G, D] with H a multiple of G.</param>
    /// <param name="v">As the keys.</param>
    /// <param name="mask">What the queries see.</param>
    /// <returns>[B, T, H*D].</returns>
    Tensor Attend(Tensor q, Tensor k, Tensor v, AttentionMask mask);
}
