using LlavaSharp.Kernels;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Root-mean-square normalisation over the last dimension (Zhang and Sennrich 2019), in float32 whatever the input's type, as LLaMA does.</summary>
public sealed class RmsNorm(Tensor weight, double epsilon) : INorm
{
    /// <summary>[width].</summary>
    public Tensor Weight { get; } = weight;

    /// <summary>Added to the mean square.</summary>
    public double Epsilon { get; } = epsilon;

    /// <summary>x [..., width] to the same shape.</summary>
    public Tensor Forward(Tensor x)
    {
        if (FusedOperations.RmsNorm(x, Weight, Epsilon) is { } normed)
            return normed;
        using var scope = NewDisposeScope();
        var wide = x.to(ScalarType.Float32);                                           // [..., W]
        var scale = (wide * wide).mean([-1], keepdim: true).AddInPlace(Epsilon).rsqrt_();     // [..., 1]
        return (Weight * (wide * scale).to(x.dtype)).MoveToOuterDisposeScope();        // [..., W]
    }

    /// <inheritdoc/>
    ActivationSource? INorm.Source(Tensor x) => FusedOperations.Normed(x, Weight, Epsilon);
}
