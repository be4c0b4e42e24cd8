using LlavaSharp.Kernels;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Layer normalisation over the last dimension (Ba et al. 2016).</summary>
public sealed class LayerNorm(Tensor weight, Tensor? bias, double epsilon) : INorm
{
    private readonly long[] _width = [weight.shape[0]];

    /// <summary>x [..., width] to the same shape.</summary>
    public Tensor Forward(Tensor x) => nn.functional.layer_norm(x, _width, weight, bias, epsilon);

    /// <inheritdoc/>
    ActivationSource? INorm.Source(Tensor x) => FusedOperations.LayerNormed(x, weight, bias, epsilon);
}
