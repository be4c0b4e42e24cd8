using LlavaSharp.Checkpoints;
using LlavaSharp.Quantization;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A norm, and the gated MLP of LLaMA: down(silu(gate(x)) * up(x)) (Shazeer 2020).</summary>
internal sealed class LlamaMlp(LlavaConfig config, RmsNorm norm, WeightScope weights)
{
    private readonly SharedLinears _gateUp = new(
        weights["gate_proj"].Linear(config.HiddenSize, config.IntermediateSize, bias: config.MlpBias),
        weights["up_proj"].Linear(config.HiddenSize, config.IntermediateSize, bias: config.MlpBias));
    private readonly Linear _down = weights["down_proj"].Linear(config.IntermediateSize, config.HiddenSize, bias: config.MlpBias);
    private readonly Func<Tensor, Tensor> _activation = Activation.Get(config.HiddenAct);
    private readonly bool _isSilu = Activation.IsSilu(config.HiddenAct);

    /// <summary>See <see cref="CausalLanguageModel.IsBatchInvariant"/>.</summary>
    public bool IsBatchInvariant => _isSilu && _gateUp.IsBatchInvariant && _down.IsBatchInvariant;

    /// <summary>x [B, T, C] plus what the MLP adds to it.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var both = _gateUp.Forward(x, norm);
        Tensor gate = both[0], up = both[1];                                                  // [B, T, I]
        if (_isSilu && !_down.IsAdapted && _down.Base is PackedLinear packed && FusedOperations.Gated(gate, up) is { } source)
            return packed.ForwardAdded(gate, x, source).MoveToOuterDisposeScope();
        var gated = (_isSilu ? FusedOperations.SiluMultiply(gate, up) : null) ?? _activation(gate) * up;
        return _down.ForwardAdded(gated, x).MoveToOuterDisposeScope();
    }
}
