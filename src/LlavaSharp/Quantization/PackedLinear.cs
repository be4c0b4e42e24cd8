using LlavaSharp.Kernels;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>x W^T + b on the CPU with W packed in 4 or 8 bits and x quantised to 8 bits (for 4-bit weights) or 16 (for 8-bit weights) by groups of 32.</summary>
/// <param name="matrix">The packed weights.</param>
/// <param name="bias">[outputs], or null.</param>
internal sealed unsafe class PackedLinear(PackedMatrix matrix, Tensor? bias) : Linear
{
    [ThreadStatic]
    private static QuantizedActivations? _activations;
    private readonly Tensor? _bias = bias;

    /// <summary>The packed weights.</summary>
    public PackedMatrix Matrix { get; } = matrix;

    /// <inheritdoc/>
    internal override bool IsBatchInvariant => true;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => ForwardShared([this], x)[0];

    /// <inheritdoc/>
    internal override Tensor ForwardAdded(Tensor x, Tensor residual) => ForwardAdded(x, residual, null);

    /// <summary>Adds the product with what <paramref name="source"/> gives to the residual.</summary>
    /// <param name="x">[..., inputs]: what tells shape and type.</param>
    /// <param name="residual">[..., outputs].</param>
    /// <param name="source">What computes the layer's input; null: it is x.</param>
    /// <returns>[..., outputs].</returns>
    public Tensor ForwardAdded(Tensor x, Tensor residual, ActivationSource? source) => Multiply([this], x, source, residual)[0];

    /// <summary>Several layers over the same input, which is quantised once.</summary>
    /// <param name="layers">The layers, all of the same bits.</param>
    /// <param name="x">[..., inputs].</param>
    /// <param name="source">What computes the layers' input from x, such as a norm; null: it is x.</param>
    /// <returns>Each layer's [..., outputs].</returns>
    public static Tensor[] ForwardShared(PackedLinear[] layers, Tensor x, ActivationSource? source = null) => Multiply(layers, x, source, null);

    private static Tensor[] Multiply(ReadOnlySpan<PackedLinear> layers, Tensor x, ActivationSource? source, Tensor? residual)
    {
        var shape = x.shape;
        var inputs = layers[0].Matrix.Layout.Inputs;
        if (shape[^1] != inputs)
            throw new ArgumentException($"The input is [{string.Join(", ", shape)}]; the layer takes {inputs} in the last dimension.", nameof(x));
        var tokens = checked((int)(x.numel() / inputs));
        var isSingle = x.dtype == ScalarType.Float32;
        var outputs = new Tensor[layers.Length];
        var matrices = new PackedMatrix[layers.Length];
        var targets = new ProductTarget[layers.Length];
        for (var i = 0; i < layers.Length; i++)
        {
            matrices[i] = layers[i].Matrix;
            shape[^1] = matrices[i].Layout.Rows;
            outputs[i] = empty(shape, ScalarType.Float32);                              // [..., N]
            // what the kernels can read is added on the way
            targets[i] = new(FusedOperations.Pointer(outputs[i]), Readable(layers[i]._bias), isSingle ? Readable(residual) : null);
        }
        if (tokens > 0)
        {
            Quantize(x, source, tokens, inputs, layers[0].Matrix.Layout.Bits);
            PackedMatrix.Multiply(matrices, _activations!, targets, KernelThreads.Shared);
        }
        for (var i = 0; i < layers.Length; i++)
        {
            if (layers[i]._bias is { } bias && Readable(bias) == null)
                outputs[i] = Replace(outputs[i], outputs[i].Plus(bias));
            if (!isSingle)
                outputs[i] = Replace(outputs[i], outputs[i].to(x.dtype));
            if (residual is not null && (!isSingle || Readable(residual) == null))
                outputs[i] = Replace(outputs[i], residual.Plus(outputs[i]));
        }
        return outputs;
    }

    private static void Quantize(Tensor x, ActivationSource? source, int tokens, int inputs, WeightBits weights)
    {
        var activations = _activations ??= new();
        if (source is not null)
        {
            activations.Quantize(source, tokens, inputs, KernelThreads.Shared, weights);
            return;
        }
        using var scope = NewDisposeScope();
        var read = FusedOperations.Fits(x) ? x : x.to(ScalarType.Float32).contiguous();     // [..., K]
        activations.Quantize(FusedOperations.Pointer(read), tokens, inputs, KernelThreads.Shared, weights);
    }

    private static Tensor Replace(Tensor old, Tensor created)
    {
        if (!ReferenceEquals(old, created))
            old.Dispose();
        return created;
    }

    private static float* Readable(Tensor? x) => x is not null && FusedOperations.Fits(x) ? FusedOperations.Pointer(x) : null;
}
