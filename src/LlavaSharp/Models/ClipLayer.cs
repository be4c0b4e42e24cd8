using LlavaSharp.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>One encoder layer of CLIP: pre-norm attention (all positions see all) and MLP.</summary>
internal sealed class ClipLayer(ClipVisionConfig config, WeightScope weights)
{
    private readonly int _heads = config.NumAttentionHeads;
    private readonly LayerNorm _attentionNorm = weights["layer_norm1"].LayerNorm(config.HiddenSize, config.LayerNormEps);
    private readonly SharedLinears _queryKeyValue = new(
        weights["self_attn"]["q_proj"].Linear(config.HiddenSize, config.HiddenSize, bias: true),
        weights["self_attn"]["k_proj"].Linear(config.HiddenSize, config.HiddenSize, bias: true),
        weights["self_attn"]["v_proj"].Linear(config.HiddenSize, config.HiddenSize, bias: true));
    private readonly Linear _output = weights["self_attn"]["out_proj"].Linear(config.HiddenSize, config.HiddenSize, bias: true);
    private readonly LayerNorm _mlpNorm = weights["layer_norm2"].LayerNorm(config.HiddenSize, config.LayerNormEps);
    private readonly SharedLinears _widen = new(weights["mlp"]["fc1"].Linear(config.HiddenSize, config.IntermediateSize, bias: true));
    private readonly Linear _narrow = weights["mlp"]["fc2"].Linear(config.IntermediateSize, config.HiddenSize, bias: true);
    private readonly Func<Tensor, Tensor> _activation = Activation.Get(config.HiddenAct);

    /// <summary>x [N, T, C] to the same shape.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var projected = _queryKeyValue.Forward(x, _attentionNorm);                                                         // 3 x [N, T, C]
        var mixed = ScaledDotProductAttention.Forward(Heads(projected[0]), Heads(projected[1]), Heads(projected[2]), default);
        x = _output.ForwardAdded(mixed, x);                                                                                // [N, T, C]
        x = _narrow.ForwardAdded(_activation(_widen.Forward(x, _mlpNorm)[0]), x);                                          // [N, T, C]
        return x.MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], _heads, -1);                                          // [N, T, H, D]
}
