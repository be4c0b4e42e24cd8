using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>x W^T + b with weights as stored.</summary>
public sealed class DenseLinear(Tensor weight, Tensor? bias) : Linear
{
    /// <summary>[outputs, inputs].</summary>
    public Tensor Weight { get; } = weight;

    /// <summary>[outputs], or null.</summary>
    public Tensor? Bias { get; } = bias;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => nn.functional.linear(x, Weight, Bias);
}
