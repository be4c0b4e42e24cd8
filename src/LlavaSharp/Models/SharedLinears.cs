using LlavaSharp.Kernels;
using LlavaSharp.Quantization;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Linear layers that read the same input, such as those of queries, keys and values; packed layers of the same bits quantise it once for all.</summary>
internal sealed class SharedLinears(params Linear[] layers)
{
    // where the packed layers of each number of bits stand; null unless all are packed
    private readonly (int[] Places, PackedLinear[] Layers)[]? _packed = !layers.All(layer => layer.Base is PackedLinear) ? null
        : [.. layers.Select((layer, i) => (Layer: (PackedLinear)layer.Base, Place: i)).GroupBy(item => item.Layer.Matrix.Layout.Bits)
            .Select(group => (group.Select(item => item.Place).ToArray(), group.Select(item => item.Layer).ToArray()))];

    /// <summary>See <see cref="Linear.IsBatchInvariant"/>: of all layers.</summary>
    public bool IsBatchInvariant => layers.All(layer => layer.IsBatchInvariant);

    private bool IsAdapted => layers.Any(layer => layer.IsAdapted);

    /// <summary>x [..., inputs] to each layer's [..., outputs].</summary>
    public Tensor[] Forward(Tensor x) => _packed is not null ? Adapt(x, Forward(_packed, x, null)) : [.. layers.Select(layer => layer.Forward(x))];

    /// <summary>The same over x [..., inputs] behind a norm, which packed layers compute while they quantise.</summary>
    public Tensor[] Forward(Tensor x, INorm norm)
    {
        if (_packed is not null && !IsAdapted && norm.Source(x) is { } source)
            return Forward(_packed, x, source);
        using var normed = norm.Forward(x);                                            // [..., inputs]
        return Forward(normed);
    }

    private Tensor[] Adapt(Tensor x, Tensor[] outputs)
    {
        for (var i = 0; i < layers.Length; i++)
            layers[i].Adapt(x, outputs[i]);
        return outputs;
    }

    private Tensor[] Forward((int[] Places, PackedLinear[] Layers)[] packed, Tensor x, ActivationSource? source)
    {
        if (packed.Length == 1)
            return PackedLinear.ForwardShared(packed[0].Layers, x, source);
        var outputs = new Tensor[layers.Length];
        foreach (var (places, some) in packed)
        {
            var computed = PackedLinear.ForwardShared(some, x, source);                // [..., outputs] each
            for (var i = 0; i < places.Length; i++)
                outputs[places[i]] = computed[i];
        }
        return outputs;
    }
}
