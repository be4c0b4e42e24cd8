using LlavaSharp.Kernels;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>x W^T + b on the CPU with W packed in 4 or 8 bits and x quantised to 8 or 16 bits by groups of 32.</summary>
/// <param name="matrix">The packed weights.</param>
/// <param name="bias">[outputs], or null.</param>
/// <param name="wide">
/// Whether activations take 16 bits, where the kernels can: for 8-bit weights that are always multiplied with many tokens, such as a tower's, it costs nothing
/// and halves the error.
/// </param>
internal sealed unsafe class PackedLinear(PackedMatrix matrix, Tensor? bias, bool wide = false) : Linear
{
    [ThreadStatic]
    private static Workspace? _workspace;

    /// <summary>The packed weights.</summary>
    public PackedMatrix Matrix { get; } = matrix;

    private static Workspace Own => _workspace ??= new();

    /// <inheritdoc/>
    internal override bool IsBatchInvariant => true;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => ForwardShared([this], x)[0];

    /// <summary>Several layers over the same input, which is quantised once.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="x">[..., inputs].</param>
    /// <returns>Each layer's [..., outputs].</returns>
    public static Tensor[] ForwardShared(PackedLinear[] layers, Tensor x)
    {
        using var scope = NewDisposeScope();
        var input = layers[0].Check(x);                                             // [..., K]
        if (Tokens(input) is > 0 and var tokens)
            Own.Activations.Quantize(Pointer(input), tokens, layers[0].Matrix.Layout.Inputs, KernelThreads.Shared, layers.All(layer => layer.IsWide));
        return [.. Multiply(layers, x).Select(output => output.MoveToOuterDisposeScope())];
    }

    /// <summary>Several layers over the same normed input, which is normed while it is quantised.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="x">[..., inputs] before the norm.</param>
    /// <param name="weight">[inputs]: the norm's.</param>
    /// <param name="epsilon">The norm's.</param>
    /// <returns>Each layer's [..., outputs]; null where kernels cannot read the norm.</returns>
    public static Tensor[]? ForwardNormed(PackedLinear[] layers, Tensor x, Tensor weight, double epsilon)
    {
        if (!FusedOperations.Fits(x) || !FusedOperations.Fits(weight))
            return null;
        using var scope = NewDisposeScope();
        var input = layers[0].Check(x);                                             // [..., K]
        var source = Own.Normed;
        source.X = Pointer(input);
        source.Weight = Pointer(weight);
        source.Epsilon = (float)epsilon;
        if (Tokens(input) is > 0 and var tokens)
            Own.Activations.Quantize(source, tokens, layers[0].Matrix.Layout.Inputs, KernelThreads.Shared, layers.All(layer => layer.IsWide));
        return [.. Multiply(layers, x).Select(output => output.MoveToOuterDisposeScope())];
    }

    /// <summary>The layer over silu(gate) * up, which is computed while it is quantised.</summary>
    /// <param name="gate">[..., inputs].</param>
    /// <param name="up">As the gate.</param>
    /// <returns>[..., outputs]; null where kernels cannot read the input.</returns>
    public Tensor? ForwardGated(Tensor gate, Tensor up)
    {
        if (!FusedOperations.Fits(gate) || !FusedOperations.Fits(up))
            return null;
        using var scope = NewDisposeScope();
        var source = Own.Gated;
        source.Gate = Pointer(Check(gate));
        source.Up = Pointer(up);
        if (Tokens(gate) is > 0 and var tokens)
            Own.Activations.Quantize(source, tokens, Matrix.Layout.Inputs, KernelThreads.Shared, IsWide);
        return Multiply([this], gate)[0].MoveToOuterDisposeScope();                  // [..., N]
    }

    // the activations are quantised already; x tells shape and type
    private static Tensor[] Multiply(ReadOnlySpan<PackedLinear> layers, Tensor x)
    {
        var outputs = new Tensor[layers.Length];
        var matrices = new PackedMatrix[layers.Length];
        var results = new nint[layers.Length];
        for (var i = 0; i < layers.Length; i++)
        {
            matrices[i] = layers[i].Matrix;
            outputs[i] = empty([.. x.shape[..^1], matrices[i].Layout.Rows], ScalarType.Float32);   // [..., N]
            results[i] = TorchAbi.DataPointer(outputs[i]);
        }
        if (x.numel() > 0)
            PackedMatrix.Multiply(matrices, Own.Activations, results, KernelThreads.Shared);
        for (var i = 0; i < layers.Length; i++)
        {
            if (layers[i].Bias is { } added)
                outputs[i] = outputs[i].AddInPlace(added);
            outputs[i] = outputs[i].to(x.dtype);
        }
        return outputs;
    }

    private Tensor? Bias { get; } = bias;

    private Tensor Check(Tensor x) => x.shape[^1] == Matrix.Layout.Inputs
        ? x.to(ScalarType.Float32).contiguous()
        : throw new ArgumentException($"The input is [{string.Join(", ", x.shape)}]; the layer takes {Matrix.Layout.Inputs} in the last dimension.", nameof(x));

    private bool IsWide { get; } = wide && matrix.TakesWide;

    private static int Tokens(Tensor x) => checked((int)(x.numel() / x.shape[^1]));

    private static float* Pointer(Tensor x) => (float*)TorchAbi.DataPointer(x);

    // what is used again and again by one thread
    private sealed class Workspace
    {
        public readonly QuantizedActivations Activations = new();
        public readonly ActivationSource.Normed Normed = new();
        public readonly ActivationSource.Gated Gated = new();
    }
}
