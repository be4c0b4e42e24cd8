using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>LLaMA (Touvron et al. 2023) and what shares its layers: Vicuna, Yi and, with a sliding window, Mistral.</summary>
public sealed class Llama : CausalLanguageModel
{
    private readonly LlamaLayer[] _layers;
    private readonly RmsNorm _norm;
    private readonly RotaryEmbedding _rotary;
    private readonly int? _window;

    /// <summary>Builds the network over the tensors below <paramref name="weights"/> (the root of the checkpoint).</summary>
    public Llama(LlavaConfig config, WeightScope weights)
        : base(
            weights["model"]["embed_tokens"].Embedding(config.VocabSize, config.HiddenSize),
            config.TieWordEmbeddings ? null : weights["lm_head"].Linear(config.HiddenSize, config.VocabSize, bias: false),
            weights.Source.Devices)
    {
        var body = weights["model"];
        _layers = new LlamaLayer[config.NumHiddenLayers];
        for (var i = 0; i < _layers.Length; i++)
            _layers[i] = new LlamaLayer(config, body["layers"][i]);
        _norm = body["norm"].RmsNorm(HiddenSize, config.RmsNormEps);
        _rotary = new RotaryEmbedding(config.HeadDim, config.RopeTheta, config.MaxPositionEmbeddings, config.RopeScaling);
        _window = config.SlidingWindow;
    }

    /// <inheritdoc/>
    public override int Layers => _layers.Length;

    /// <inheritdoc/>
    internal override int StableLength => _rotary.StableLength;

    /// <inheritdoc/>
    internal override bool IsBatchInvariant => IsOutputBatchInvariant && _layers.All(layer => layer.IsBatchInvariant);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor embeddings, Tensor positions, Tensor? visible = null, KeyValueCache? cache = null)
    {
        using var scope = NewDisposeScope();
        var past = cache?.Length ?? 0;
        var length = (int)embeddings.shape[1];
        var hidden = Devices.Through(embeddings, _layers.Length, On);       // [B, T, C]
        cache?.Advance(length);
        return _norm.Forward(hidden).MoveToOuterDisposeScope();             // [B, T, C]

        Func<Tensor, int, Tensor> On(Device device)
        {
            var mask = cache?.Rows is null
                ? AttentionMask.Build(length, past, _window, visible?.to(device), device)
                : new AttentionMask(false, null, _window, ForRow: (queries, before) => AttentionMask.Build(queries, before, _window, null, device));
            var here = positions.to(device);                                // [1 or B, T]
            var rotation = cache?.Rows is not null ? Rotation(here, cache, embeddings.dtype) : _rotary.Tables(here, past + length, embeddings.dtype);
            return (x, i) => _layers[i].Forward(x, rotation, mask, cache?[i]);
        }
    }

    // angles may depend on a sequence's length: a prompt is turned by that of the whole prompt, a generated token by that up to itself
    private (Tensor Cosine, Tensor Sine) Rotation(Tensor positions, KeyValueCache cache, ScalarType type)
    {
        var rows = cache.Rows!;
        var longest = rows.Select((row, i) => Math.Max(row.Start + row.Count, cache.PromptLength(i))).Max();
        if (longest <= StableLength)
            return _rotary.Tables(positions, longest, type);
        var tables = new List<(Tensor Cosine, Tensor Sine)>();
        long offset = 0;
        for (var i = 0; i < rows.Count; i++)
        {
            var prompt = cache.PromptLength(i);
            for (int position = rows[i].Start, end = position + rows[i].Count, count; position < end; position += count)
            {
                count = position < prompt ? Math.Min(end, prompt) - position : 1;
                tables.Add(_rotary.Tables(positions.narrow(1, offset, count), Math.Max(prompt, position + 1), type));   // [1, t, 1, D]
                offset += count;
            }
        }
        return (cat([.. tables.Select(table => table.Cosine)], 1), cat([.. tables.Select(table => table.Sine)], 1));   // [1, T, 1, D]
    }
}
