using LlavaSharp.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Multi-head attention with rotary positions; keys and values may have fewer heads than queries.</summary>
internal sealed class LlamaAttention(LlavaConfig config, WeightScope weights)
{
    private readonly int _heads = config.NumAttentionHeads;
    private readonly int _groups = config.NumKeyValueHeads;
    private readonly int _width = config.HeadDim;
    private readonly Linear _query = weights["q_proj"].Linear(config.HiddenSize, config.NumAttentionHeads * config.HeadDim, bias: config.AttentionBias);
    private readonly Linear _key = weights["k_proj"].Linear(config.HiddenSize, config.NumKeyValueHeads * config.HeadDim, bias: config.AttentionBias);
    private readonly Linear _value = weights["v_proj"].Linear(config.HiddenSize, config.NumKeyValueHeads * config.HeadDim, bias: config.AttentionBias);
    private readonly Linear _output = weights["o_proj"].Linear(config.NumAttentionHeads * config.HeadDim, config.HiddenSize, bias: config.AttentionBias);

    /// <summary>See <see cref="CausalLanguageModel.IsBatchInvariant"/>.</summary>
    public bool IsBatchInvariant => _query.IsBatchInvariant && _key.IsBatchInvariant && _value.IsBatchInvariant && _output.IsBatchInvariant;

    /// <summary>x [B, T, C] to the same shape.</summary>
    public Tensor Forward(Tensor x, (Tensor Cosine, Tensor Sine) rotation, AttentionMask mask, ILayerCache? cache)
    {
        using var scope = NewDisposeScope();
        long batch = x.shape[0], length = x.shape[1];
        var q = _query.Forward(x).view(batch, length, _heads, _width).transpose(1, 2);    // [B, H, T, D]
        var k = _key.Forward(x).view(batch, length, _groups, _width).transpose(1, 2);     // [B, G, T, D]
        var v = _value.Forward(x).view(batch, length, _groups, _width).transpose(1, 2);   // [B, G, T, D]
        q = RotaryEmbedding.Rotate(q, rotation.Cosine, rotation.Sine);
        k = RotaryEmbedding.Rotate(k, rotation.Cosine, rotation.Sine);
        var mixed = cache?.Attend(q, k, v, mask) ?? ScaledDotProductAttention.Forward(q, k, v, mask);   // [B, T, H*D]
        return _output.Forward(mixed).MoveToOuterDisposeScope();
    }
}
