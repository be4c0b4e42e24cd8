using LlavaSharp.Kernels;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>The element-wise steps of a layer in one pass each, where they can be: float32 on the CPU, without gradients. Elsewhere libtorch computes the same.</summary>
internal static unsafe class FusedOperations
{
    // what a thread hands to the kernels, used again and again
    [ThreadStatic]
    private static ActivationSource.Normed? _normed;

    [ThreadStatic]
    private static ActivationSource.LayerNormed? _layerNormed;

    [ThreadStatic]
    private static ActivationSource.Gated? _gated;

    /// <summary>Whether a tensor can be read by the kernels.</summary>
    public static bool Fits(Tensor x) => x.device_type == TorchSharp.DeviceType.CPU && x.dtype == ScalarType.Float32 && !is_grad_enabled() && x.is_contiguous();

    /// <summary>weight * x / sqrt(mean(x^2) + epsilon) over the last dimension; null where the kernels do not fit.</summary>
    public static Tensor? RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        if (!Fits(x) || !Fits(weight))
            return null;
        var width = (int)weight.shape[0];
        var y = empty_like(x);
        ElementKernels.RmsNorm(Pointer(x), Pointer(weight), (float)epsilon, Pointer(y), (int)(x.numel() / width), width, KernelThreads.Shared);
        return y;
    }

    /// <summary>What <see cref="RmsNorm"/> gives, for who quantises it; valid until the thread's next call; null where the kernels do not fit.</summary>
    public static ActivationSource? Normed(Tensor x, Tensor weight, double epsilon)
    {
        if (!Fits(x) || !Fits(weight))
            return null;
        var source = _normed ??= new();
        source.X = Pointer(x);
        source.Weight = Pointer(weight);
        source.Epsilon = (float)epsilon;
        return source;
    }

    /// <summary>A layer norm, for who quantises it; valid until the thread's next call; null where the kernels do not fit.</summary>
    public static ActivationSource? LayerNormed(Tensor x, Tensor weight, Tensor? bias, double epsilon)
    {
        if (!Fits(x) || !Fits(weight) || (bias is not null && !Fits(bias)))
            return null;
        var source = _layerNormed ??= new();
        source.X = Pointer(x);
        source.Weight = Pointer(weight);
        source.Bias = bias is null ? null : Pointer(bias);
        source.Epsilon = (float)epsilon;
        return source;
    }

    /// <summary>What <see cref="SiluMultiply"/> gives, for who quantises it; valid until the thread's next call; null where the kernels do not fit.</summary>
    public static ActivationSource? Gated(Tensor gate, Tensor up)
    {
        if (!Fits(gate) || !Fits(up))
            return null;
        var source = _gated ??= new();
        source.Gate = Pointer(gate);
        source.Up = Pointer(up);
        return source;
    }

    /// <summary>silu(gate) * up; null where the kernels do not fit.</summary>
    public static Tensor? SiluMultiply(Tensor gate, Tensor up)
    {
        if (!Fits(gate) || !Fits(up))
            return null;
        var y = empty_like(gate);
        var width = (int)gate.shape[^1];
        ElementKernels.SiluMultiply(Pointer(gate), Pointer(up), Pointer(y), (int)(gate.numel() / width), width, KernelThreads.Shared);
        return y;
    }

    /// <summary>x sigmoid(1.702 x); null where the kernels do not fit.</summary>
    public static Tensor? QuickGelu(Tensor x)
    {
        if (!Fits(x))
            return null;
        var y = empty_like(x);
        var width = (int)x.shape[^1];
        ElementKernels.QuickGelu(Pointer(x), Pointer(y), (int)(x.numel() / width), width, KernelThreads.Shared);
        return y;
    }

    /// <summary>Turns x [B, T, H, D] in place by the tables [1 or B, T, 1, D].</summary>
    /// <returns>Whether it was done.</returns>
    public static bool Rotate(Tensor x, Tensor cosine, Tensor sine)
    {
        if (!Fits(x) || !Fits(cosine) || !Fits(sine))
            return false;
        var shape = x.shape;
        int tokens = checked((int)(shape[0] * shape[1])), heads = (int)shape[2], width = (int)shape[3];
        ElementKernels.Rotate(Pointer(x), Pointer(cosine), Pointer(sine), (int)(cosine.numel() / width), tokens, heads, width, KernelThreads.Shared);
        return true;
    }

    /// <summary>The first number of a tensor that <see cref="Fits"/>.</summary>
    public static float* Pointer(Tensor x) => (float*)TorchAbi.DataPointer(x);
}
