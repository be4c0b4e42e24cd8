using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A linear layer's slot: dense, quantised or adapted weights sit in it, the networks do not know which.</summary>
public abstract class Linear
{
    /// <summary>x [..., inputs] to [..., outputs].</summary>
    public abstract Tensor Forward(Tensor x);

    /// <summary>residual + (x W^T + b).</summary>
    /// <param name="x">[..., inputs].</param>
    /// <param name="residual">[..., outputs].</param>
    /// <returns>[..., outputs].</returns>
    internal virtual Tensor ForwardAdded(Tensor x, Tensor residual)
    {
        using var y = Forward(x);                                                      // [..., outputs]
        return residual.Plus(y);
    }

    /// <summary>The layer below adapters; itself where there are none.</summary>
    internal virtual Linear Base => this;

    /// <summary>Whether adapters add something in the pass that is being computed.</summary>
    internal virtual bool IsAdapted => false;

    /// <summary>Adds what adapters add to what <see cref="Base"/> has computed.</summary>
    /// <param name="x">The input [..., inputs].</param>
    /// <param name="y">[..., outputs], contiguous, changed in place.</param>
    internal virtual void Adapt(Tensor x, Tensor y)
    {
    }

    /// <summary>Whether a token's result has the same bits however many tokens are computed at once.</summary>
    internal virtual bool IsBatchInvariant => false;
}
