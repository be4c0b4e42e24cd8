using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A linear layer's slot: dense, quantised or adapted weights sit in it, the networks do not know which.</summary>
public abstract class Linear
{
    /// <summary>x [..., inputs] to [..., outputs].</summary>
    public abstract Tensor Forward(Tensor x);
}
