using LlavaSharp.Quantization;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Linear layers that read the same input, such as those of queries, keys and values; packed layers quantise it once for all.</summary>
internal sealed class SharedLinears(params Linear[] layers)
{
    private readonly PackedLinear[]? _packed = Packed(layers);

    /// <summary>See <see cref="Linear.IsBatchInvariant"/>: of all layers.</summary>
    public bool IsBatchInvariant => layers.All(layer => layer.IsBatchInvariant);

    /// <summary>x [..., inputs] to each layer's [..., outputs].</summary>
    public Tensor[] Forward(Tensor x) => _packed is not null ? PackedLinear.ForwardShared(_packed, x) : [.. layers.Select(layer => layer.Forward(x))];

    /// <summary>The same over x [..., inputs] behind a norm, which packed layers compute while they quantise.</summary>
    public Tensor[] Forward(Tensor x, INorm norm)
    {
        if (_packed is not null && norm.Source(x) is { } source)
            return PackedLinear.ForwardShared(_packed, x, source);
        using var normed = norm.Forward(x);                                            // [..., inputs]
        return Forward(normed);
    }

    // activations are quantised for weights of some bits
    private static PackedLinear[]? Packed(Linear[] layers)
    {
        PackedLinear[] packed = [.. layers.OfType<PackedLinear>()];
        return packed.Length == layers.Length && packed.All(layer => layer.Matrix.Layout.Bits == packed[0].Matrix.Layout.Bits) ? packed : null;
    }
}
