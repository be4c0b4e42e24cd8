using LlavaSharp.Kernels;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>x W^T + b on the CPU with W packed in 4 or 8 bits and x quantised to 8 bits by groups of 32.</summary>
internal sealed unsafe class PackedLinear(PackedMatrix matrix, Tensor? bias) : Linear
{
    [ThreadStatic]
    private static QuantizedActivations? _activations;

    /// <summary>The packed weights.</summary>
    public PackedMatrix Matrix { get; } = matrix;

    /// <inheritdoc/>
    internal override bool IsBatchInvariant => true;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (rows, inputs) = (Matrix.Layout.Rows, Matrix.Layout.Inputs);
        if (x.shape[^1] != inputs)
            throw new ArgumentException($"The input is [{string.Join(", ", x.shape)}]; the layer takes {inputs} in the last dimension.", nameof(x));
        var input = x.to(ScalarType.Float32).contiguous();                          // [..., K]
        var tokens = checked((int)(input.numel() / inputs));
        var output = empty([.. x.shape[..^1], rows], ScalarType.Float32);           // [..., N]
        if (tokens > 0)
        {
            var threads = KernelThreads.Shared;
            var activations = _activations ??= new();
            activations.Quantize((float*)TorchAbi.DataPointer(input), tokens, inputs, threads);
            Matrix.Multiply(activations, (float*)TorchAbi.DataPointer(output), rows, threads);
        }
        if (bias is not null)
            output = output.AddInPlace(bias);
        return output.to(x.dtype).MoveToOuterDisposeScope();
    }
}
