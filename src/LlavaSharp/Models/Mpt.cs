using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>MPT (MosaicML 2023): positions come from attention biases that grow with distance (ALiBi, Press et al. 2022); layers have no biases.</summary>
public sealed class Mpt : CausalLanguageModel
{
    private readonly MptLayer[] _layers;
    private readonly LayerNorm _norm;
    private readonly float[] _slopes;

    /// <summary>Builds the network over the tensors below <paramref name="weights"/> (the root of the checkpoint).</summary>
    public Mpt(LlavaConfig config, WeightScope weights)
        : base(weights["transformer"]["wte"].Embedding(config.VocabSize, config.HiddenSize), Output(config, weights["lm_head"]), weights.Source.Devices)
    {
        var body = weights["transformer"];
        _layers = new MptLayer[config.NumHiddenLayers];
        for (var i = 0; i < _layers.Length; i++)
            _layers[i] = new MptLayer(config, body["blocks"][i]);
        _norm = body["norm_f"].LayerNorm(HiddenSize, config.LayerNormEps, bias: false);
        _slopes = Slopes(config.NumAttentionHeads, config.MptAttention.AlibiBiasMax);
    }

    /// <inheritdoc/>
    public override int Layers => _layers.Length;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor embeddings, Tensor positions, Tensor? visible = null, KeyValueCache? cache = null)
    {
        using var scope = NewDisposeScope();
        var past = cache?.Length ?? 0;
        var length = (int)embeddings.shape[1];
        var hidden = Devices.Through(embeddings, _layers.Length, On);        // [B, T, C]
        cache?.Advance(length);
        return _norm.Forward(hidden).MoveToOuterDisposeScope();              // [B, T, C]

        Func<Tensor, int, Tensor> On(Device device)
        {
            var mask = cache?.Rows is null
                ? Mask(length, past, visible?.to(device))
                : new AttentionMask(false, null, IsPadded: true, ForRow: (queries, before) => Mask(queries, before, null));
            return (x, i) => _layers[i].Forward(x, mask, cache?[i]);

            AttentionMask Mask(int queries, int before, Tensor? seen) => new(false, Bias(queries, before, seen, device, embeddings.dtype), IsPadded: true);   // [1 or B, H, T, K]
        }
    }

    // some checkpoints that say "tied" hold a projection of their own all the same
    private static Linear? Output(LlavaConfig config, WeightScope separate) =>
        config.TieWordEmbeddings && !separate["weight"].Exists ? null : separate.Linear(config.HiddenSize, config.VocabSize, bias: false);

    private Tensor Bias(int length, int past, Tensor? visible, Device device, ScalarType type)
    {
        var keys = past + length;
        var distance = arange(Scalars.Of(1 - keys), Scalars.Of(1), ScalarType.Float32, device: device);                      // [K], 0 at the newest key
        var bias = tensor(_slopes, device: device).view(1, -1, 1, 1) * distance.view(1, 1, 1, -1);    // [1, H, 1, K]
        var mask = AttentionMask.Build(length, past, null, visible, device).Additive(length, keys, ScalarType.Float32, device);
        return (mask is null ? bias : bias.Plus(mask)).clamp_min(Scalars.Of(finfo(type).min)).to(type);
    }

    // geometric slopes; for a number of heads that is no power of two, those of the next power, the odd ones first
    internal static float[] Slopes(int heads, double biasMax)
    {
        var power = 1;
        while (power < heads)
            power *= 2;
        var slopes = new float[power];
        for (var i = 0; i < power; i++)
            slopes[i] = 1f / (float)Math.Pow(2, (float)((i + 1) * (biasMax / power)));
        return power == heads ? slopes : [.. slopes.Where((_, i) => i % 2 == 1).Concat(slopes.Where((_, i) => i % 2 == 0)).Take(heads)];
    }
}
