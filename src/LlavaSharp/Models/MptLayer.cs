using LlavaSharp.Checkpoints;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>One MPT block: attention and MLP, each behind a norm without bias.</summary>
internal sealed class MptLayer(LlavaConfig config, WeightScope weights)
{
    private readonly int _heads = config.NumAttentionHeads;
    private readonly double? _clip = config.MptAttention.ClipQkv;
    // what the query must be multiplied with so that attention's own 1/sqrt(D) becomes the config's scale
    private readonly double? _queryScale = config.MptAttention.SoftmaxScale * Math.Sqrt(config.HeadDim);
    private readonly LayerNorm _attentionNorm = weights["norm_1"].LayerNorm(config.HiddenSize, config.LayerNormEps, bias: false);
    private readonly Linear _queryKeyValue = weights["attn"]["Wqkv"].Linear(config.HiddenSize, 3L * config.HiddenSize, bias: false);
    private readonly Linear _output = weights["attn"]["out_proj"].Linear(config.HiddenSize, config.HiddenSize, bias: false);
    private readonly LayerNorm _mlpNorm = weights["norm_2"].LayerNorm(config.HiddenSize, config.LayerNormEps, bias: false);
    // the original's library widens by four whatever expansion_ratio says
    private readonly Linear _up = weights["ffn"]["up_proj"].Linear(config.HiddenSize, 4L * config.HiddenSize, bias: false);
    private readonly Linear _down = weights["ffn"]["down_proj"].Linear(4L * config.HiddenSize, config.HiddenSize, bias: false);

    /// <summary>x [B, T, C] to the same shape.</summary>
    public Tensor Forward(Tensor x, AttentionMask mask, ILayerCache? cache)
    {
        using var scope = NewDisposeScope();
        var mixed = _queryKeyValue.Forward(_attentionNorm.Forward(x));               // [B, T, 3C]
        if (_clip is { } limit)
            mixed = mixed.clamp(Scalars.Of(-limit), Scalars.Of(limit));
        var parts = mixed.chunk(3, -1);                                              // 3 x [B, T, C]
        Tensor q = Heads(parts[0]), k = Heads(parts[1]), v = Heads(parts[2]);        // [B, T, H, D]
        if (_queryScale is { } scale)
            q = q * Scalars.Of(scale);
        var attended = cache?.Attend(q, k, v, mask) ?? ScaledDotProductAttention.Forward(q, k, v, mask);   // [B, T, C]
        x = x.Plus(_output.Forward(attended));                                       // [B, T, C]
        x = x.Plus(_down.Forward(nn.functional.gelu(_up.Forward(_mlpNorm.Forward(x))))); // [B, T, C]
        return x.MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor x) => x.reshape(x.shape[0], x.shape[1], _heads, -1);   // [B, T, H, D]
}
