using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Kernels;
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
            config.TieWordEmbeddings ? null : weights["lm_head"].Linear(config.HiddenSize, config.VocabSize, bias: false))
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
        var device = embeddings.device;
        var mask = cache?.Rows is null
            ? AttentionMask.Build(length, past, _window, visible, device)
            : new AttentionMask(false, null, _window, ForRow: (queries, before) => AttentionMask.Build(queries, before, _window, null, device));
        var rotation = cache?.Rows is { } rows ? Rotation(positions, rows, embeddings.dtype) : _rotary.Tables(positions, past + length, embeddings.dtype);
        var x = embeddings;                                                 // [B, T, C]
        for (var i = 0; i < _layers.Length; i++)
            x = _layers[i].Forward(x, rotation, mask, cache?[i]);           // [B, T, C]
        cache?.Advance(length);
        return _norm.Forward(x).MoveToOuterDisposeScope();                  // [B, T, C]
    }

    // angles may depend on a sequence's length
    private (Tensor Cosine, Tensor Sine) Rotation(Tensor positions, IReadOnlyList<KeyValueRow> rows, ScalarType type)
    {
        var longest = rows.Max(row => row.Start + row.Count);
        if (longest <= StableLength)
            return _rotary.Tables(positions, longest, type);
        var tables = new List<(Tensor Cosine, Tensor Sine)>(rows.Count);
        long offset = 0;
        foreach (var row in rows)
        {
            tables.Add(_rotary.Tables(positions.narrow(1, offset, row.Count), row.Start + row.Count, type));   // [1, t, 1, D]
            offset += row.Count;
        }
        return (cat([.. tables.Select(table => table.Cosine)], 1), cat([.. tables.Select(table => table.Sine)], 1));   // [1, T, 1, D]
    }
}
