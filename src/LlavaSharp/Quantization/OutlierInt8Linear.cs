using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>x W^T + b with W in 8 bits and outlier columns in floating point: <see cref="OutlierInt8"/>.</summary>
internal sealed class OutlierInt8Linear : Linear, IDisposable
{
    private readonly Tensor _weights;    // [N, K] int8
    private readonly Tensor _scales;     // [N]
    private readonly Tensor? _bias;

    /// <summary>Quantises a weight.</summary>
    /// <param name="weight">[outputs, inputs]; rounded to float16 first, as the library does.</param>
    /// <param name="bias">[outputs], or null; stays the caller's.</param>
    /// <param name="device">Where products are computed.</param>
    public OutlierInt8Linear(Tensor weight, Tensor? bias, Device device)
    {
        using var scope = NewDisposeScope();
        var values = weight.to(ScalarType.Float16).to(ScalarType.Float32);           // [N, K]
        _scales = OutlierInt8.LargestOfRows(values);
        _weights = OutlierInt8.Quantize(values, _scales).to(device).DetachFromDisposeScope();
        _scales = _scales.to(device).DetachFromDisposeScope();
        _bias = bias;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = OutlierInt8.Multiply(x.reshape(-1, x.shape[^1]), _weights, _scales);                 // [tokens, N]
        if (_bias is not null)
            y = y.AddInPlace(_bias);
        return y.reshape([.. x.shape[..^1], y.shape[1]]).to(x.dtype).MoveToOuterDisposeScope();      // [..., N]
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        _scales.Dispose();
    }
}
