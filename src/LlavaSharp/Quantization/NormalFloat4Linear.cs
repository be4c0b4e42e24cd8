using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>x W^T + b with W in NF4, restored for each product as bitsandbytes does: an eighth of the memory of float32, and no faster.</summary>
internal sealed class NormalFloat4Linear : Linear, IDisposable
{
    private readonly long[] _shape;
    private readonly ScalarType _weightType;
    private readonly Tensor _pairs;          // [256, 2]: the two levels of each byte
    private readonly Tensor _packed;         // [blocks * 32] uint8
    private readonly Tensor _magnitudes;     // [blocks, 1]
    private readonly Tensor? _bias;

    /// <summary>Quantises a weight.</summary>
    /// <param name="weight">[outputs, inputs] on the CPU, in the type that restored weights are rounded to.</param>
    /// <param name="bias">[outputs], or null; stays the caller's.</param>
    /// <param name="device">Where products are computed.</param>
    public NormalFloat4Linear(Tensor weight, Tensor? bias, Device device)
    {
        using var scope = NewDisposeScope();
        (_shape, _weightType, _bias) = (weight.shape, weight.dtype, bias);
        var values = weight.to(ScalarType.Float32).contiguous().data<float>().ToArray();
        var quantized = NormalFloat4.Quantize(values, doubly: true);
        var blocks = quantized.Magnitudes.Length;
        var packed = quantized.Packed;
        Array.Resize(ref packed, blocks * NormalFloat4.BlockSize / 2);   // the last block may be short
        var pairs = new float[512];
        for (var i = 0; i < 256; i++)
            (pairs[2 * i], pairs[2 * i + 1]) = (NormalFloat4.Levels[i >> 4], NormalFloat4.Levels[i & 15]);
        _pairs = tensor(pairs).view(256, 2).to(device).DetachFromDisposeScope();
        _packed = tensor(packed).to(device).DetachFromDisposeScope();
        _magnitudes = tensor(quantized.Magnitudes).view(blocks, 1).to(device).DetachFromDisposeScope();
    }

    /// <summary>The weight again, [outputs, inputs].</summary>
    public Tensor Restore()
    {
        using var scope = NewDisposeScope();
        var levels = _pairs.index_select(0, _packed.to(ScalarType.Int32)).view(-1, NormalFloat4.BlockSize);   // [blocks, 64]
        var count = _shape[0] * _shape[1];
        return levels.mul_(_magnitudes).view(-1).narrow(0, 0, count).to(_weightType).view(_shape).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        using var weight = Restore();
        using var converted = weight.to(x.dtype);
        return nn.functional.linear(x, converted, _bias);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pairs.Dispose();
        _packed.Dispose();
        _magnitudes.Dispose();
    }
}
