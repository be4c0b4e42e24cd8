using LlavaSharp.Checkpoints;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>What an adapter adds to a linear layer: scale * B (A x), never multiplied out (Hu et al. 2021).</summary>
internal sealed class LowRank : IDisposable
{
    private readonly Tensor _inner;   // [r, inputs]
    private readonly Tensor _outer;   // [outputs, r], scale included

    /// <summary>Takes the matrices into the type and onto the device of computation.</summary>
    /// <param name="weight">The matrices, whose file stays open.</param>
    /// <param name="type">The type of computation.</param>
    /// <param name="device">The device of the layer.</param>
    public LowRank(LoraWeight weight, ScalarType type, Device device)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _inner = StoredTensorViews.View(weight.A).to(type, device).DetachFromDisposeScope();
        _outer = StoredTensorViews.View(weight.B).to(ScalarType.Float32).mul(Scalars.Of(weight.Scale)).to(type, device).DetachFromDisposeScope();
    }

    /// <summary>x [n, inputs] to [n, outputs].</summary>
    public Tensor Forward(Tensor x)
    {
        using var low = nn.functional.linear(x, _inner);                               // [n, r]
        return nn.functional.linear(low, _outer);                                      // [n, outputs]
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _inner.Dispose();
        _outer.Dispose();
    }
}
