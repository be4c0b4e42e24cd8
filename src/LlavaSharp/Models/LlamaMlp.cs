using LlavaSharp.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>The gated MLP of LLaMA: down(silu(gate(x)) * up(x)) (Shazeer 2020).</summary>
internal sealed class LlamaMlp(LlavaConfig config, WeightScope weights)
{
    private readonly Linear _gate = weights["gate_proj"].Linear(config.HiddenSize, config.IntermediateSize, bias: config.MlpBias);
    private readonly Linear _up = weights["up_proj"].Linear(config.HiddenSize, config.IntermediateSize, bias: config.MlpBias);
    private readonly Linear _down = weights["down_proj"].Linear(config.IntermediateSize, config.HiddenSize, bias: config.MlpBias);
    private readonly Func<Tensor, Tensor> _activation = Activation.Get(config.HiddenAct);
    private readonly bool _isSilu = Activation.IsSilu(config.HiddenAct);

    /// <summary>See <see cref="CausalLanguageModel.IsBatchInvariant"/>.</summary>
    public bool IsBatchInvariant => _isSilu && _gate.IsBatchInvariant && _up.IsBatchInvariant && _down.IsBatchInvariant;

    /// <summary>x [B, T, C] to the same shape.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor gate = _gate.Forward(x), up = _up.Forward(x);                                  // [B, T, I]
        var gated = (_isSilu ? FusedOperations.SiluMultiply(gate, up) : null) ?? _activation(gate) * up;
        return _down.Forward(gated).MoveToOuterDisposeScope();
    }
}
