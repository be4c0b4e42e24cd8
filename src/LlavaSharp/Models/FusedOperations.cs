using LlavaSharp.Kernels;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>The element-wise steps of a layer in one pass each, where they can be: float32 on the CPU, without gradients. Elsewhere libtorch computes the same.</summary>
internal static unsafe class FusedOperations
{
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

    /// <summary>Turns x [B, H, T, D] in place, where it lies in memory as [B, T, H, D] and the tables [1 or B, 1, T, D] hold what all of B or each row needs.</summary>
    /// <returns>Whether it was done.</returns>
    public static bool Rotate(Tensor x, Tensor cosine, Tensor sine)
    {
        if (x.device_type != TorchSharp.DeviceType.CPU || x.dtype != ScalarType.Float32 || is_grad_enabled() || !Fits(cosine) || !Fits(sine))
            return false;
        long batch = x.shape[0], heads = x.shape[1], length = x.shape[2], width = x.shape[3];
        // a dimension of one has no stride that counts
        var steps = x.stride();
        if (steps[3] != 1 || (heads > 1 && steps[1] != width) || (length > 1 && steps[2] != heads * width) || (batch > 1 && steps[0] != length * heads * width))
            return false;
        ElementKernels.Rotate(Pointer(x), Pointer(cosine), Pointer(sine), (int)(cosine.shape[0] * length), (int)(batch * length), (int)heads, (int)width, KernelThreads.Shared);
        return true;
    }

    private static float* Pointer(Tensor x) => (float*)TorchAbi.DataPointer(x);
}
