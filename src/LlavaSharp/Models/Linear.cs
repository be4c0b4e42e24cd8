using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A linear layer's slot: dense, quantised or adapted weights sit in it, the networks do not know which.</summary>
public abstract class Linear
{
    /// <summary>x [..., inputs] to [..., outputs].</summary>
    public abstract Tensor Forward(Tensor x);

    /// <summary>Whether a token's result has the same bits however many tokens are computed at once.</summary>
    internal virtual bool IsBatchInvariant => false;
}
