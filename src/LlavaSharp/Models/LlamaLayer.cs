using LlavaSharp.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>One decoder layer: attention and gated MLP, each behind its norm and added to the stream.</summary>
internal sealed class LlamaLayer(LlavaConfig config, WeightScope weights)
{
    private readonly LlamaAttention _attention = new(config, weights["input_layernorm"].RmsNorm(config.HiddenSize, config.RmsNormEps), weights["self_attn"]);
    private readonly LlamaMlp _mlp = new(config, weights["post_attention_layernorm"].RmsNorm(config.HiddenSize, config.RmsNormEps), weights["mlp"]);

    /// <summary>See <see cref="CausalLanguageModel.IsBatchInvariant"/>.</summary>
    public bool IsBatchInvariant => _attention.IsBatchInvariant && _mlp.IsBatchInvariant;

    /// <summary>x [B, T, C] to the same shape.</summary>
    public Tensor Forward(Tensor x, (Tensor Cosine, Tensor Sine) rotation, AttentionMask mask, ILayerCache? cache)
    {
        using var scope = NewDisposeScope();
        x = _attention.Forward(x, rotation, mask, cache);   // [B, T, C]
        return _mlp.Forward(x).MoveToOuterDisposeScope();   // [B, T, C]
    }
}
