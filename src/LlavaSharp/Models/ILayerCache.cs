using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>What an attention layer needs of a key-value cache: hand in the new keys and values, get all of them back.</summary>
public interface ILayerCache
{
    /// <summary>k, v [B, G, T, D] to all keys and values so far [B, G, K, D], owned by the cache.</summary>
    (Tensor Keys, Tensor Values) Append(Tensor keys, Tensor values);
}
