using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>softmax(q k^T / sqrt(D)) v, with fewer key and value heads than query heads where the model groups them (Ainslie et al. 2023).</summary>
internal static class ScaledDotProductAttention
{
    /// <summary>q [B, T, H, D]; k, v [B, K, G, D] with H a multiple of G; result [B, T, H*D].</summary>
    public static Tensor Forward(Tensor q, Tensor k, Tensor v, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        return ForwardHeads(q, k.transpose(1, 2), v.transpose(1, 2), mask).MoveToOuterDisposeScope();
    }

    /// <summary>The same over keys and values that lie head by head: k, v [B, G, K, D].</summary>
    public static Tensor ForwardHeads(Tensor q, Tensor k, Tensor v, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        q = q.transpose(1, 2);                                                                                             // [B, H, T, D]
        long batch = q.shape[0], heads = q.shape[1], length = q.shape[2], width = q.shape[3], groups = k.shape[1];
        var shared = heads / groups;
        Tensor mixed;
        if (shared > 1 && length == 1)
        {
            // the queries of a group stand in the time axis, so that keys and values are read once and never repeated
            mixed = nn.functional.scaled_dot_product_attention(q.view(batch, groups, shared, width), k, v, mask.Table);   // [B, G, H/G, D]
            return mixed.reshape(batch, 1, heads * width).MoveToOuterDisposeScope();
        }
        if (shared > 1)
        {
            k = k.unsqueeze(2).expand(batch, groups, shared, k.shape[2], width).reshape(batch, heads, k.shape[2], width);  // [B, H, K, D]
            v = v.unsqueeze(2).expand(batch, groups, shared, v.shape[2], width).reshape(batch, heads, v.shape[2], width);  // [B, H, K, D]
        }
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, mask.Table, 0.0, mask.Causal);                        // [B, H, T, D]
        return mixed.transpose(1, 2).reshape(batch, length, heads * width).MoveToOuterDisposeScope();
    }
}
