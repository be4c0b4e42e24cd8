using LlavaSharp.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A norm, and multi-head attention with rotary positions; keys and values may have fewer heads than queries.</summary>
internal sealed class LlamaAttention(LlavaConfig config, RmsNorm norm, WeightScope weights)
{
    private readonly int _heads = config.NumAttentionHeads;
    private readonly int _groups = config.NumKeyValueHeads;
    private readonly int _width = config.HeadDim;
    private readonly SharedLinears _queryKeyValue = new(
        weights["q_proj"].Linear(config.HiddenSize, config.NumAttentionHeads * config.HeadDim, bias: config.AttentionBias),
        weights["k_proj"].Linear(config.HiddenSize, config.NumKeyValueHeads * config.HeadDim, bias: config.AttentionBias),
        weights["v_proj"].Linear(config.HiddenSize, config.NumKeyValueHeads * config.HeadDim, bias: config.AttentionBias));
    private readonly Linear _output = weights["o_proj"].Linear(config.NumAttentionHeads * config.HeadDim, config.HiddenSize, bias: config.AttentionBias);

    /// <summary>See <see cref="CausalLanguageModel.IsBatchInvariant"/>.</summary>
    public bool IsBatchInvariant => _queryKeyValue.IsBatchInvariant && _output.IsBatchInvariant;

    /// <summary>x [B, T, C] plus what attention adds to it.</summary>
    public Tensor Forward(Tensor x, (Tensor Cosine, Tensor Sine) rotation, AttentionMask mask, ILayerCache? cache)
    {
        using var scope = NewDisposeScope();
        long batch = x.shape[0], length = x.shape[1];
        var projected = _queryKeyValue.Forward(x, norm);                                  // [B, T, H*D], 2 x [B, T, G*D]
        var q = projected[0].view(batch, length, _heads, _width);                         // [B, T, H, D]
        var k = projected[1].view(batch, length, _groups, _width);                        // [B, T, G, D]
        var v = projected[2].view(batch, length, _groups, _width);                        // [B, T, G, D]
        q = RotaryEmbedding.Rotate(q, rotation.Cosine, rotation.Sine);
        k = RotaryEmbedding.Rotate(k, rotation.Cosine, rotation.Sine);
        var mixed = cache?.Attend(q, k, v, mask) ?? ScaledDotProductAttention.Forward(q, k, v, mask);   // [B, T, H*D]
        return _output.ForwardAdded(mixed, x).MoveToOuterDisposeScope();
    }
}
