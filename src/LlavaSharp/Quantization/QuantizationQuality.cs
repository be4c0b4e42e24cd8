using LlavaSharp.Models;
using LlavaSharp.Native;
using LlavaSharp.Prompts;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>Compares a quantised model with the one that it was made from.</summary>
internal static class QuantizationQuality
{
    private const int PositionsAtOnce = 128;   // whose logits lie in memory together: a vocabulary is wide

    /// <summary>Measures how far the predictions and the layers of a model are from its reference's.</summary>
    /// <param name="referencePath">The checkpoint in floating point; null: the embedded model.</param>
    /// <param name="referenceOptions">How it is loaded; the type of computation becomes float32.</param>
    /// <param name="quantizedPath">The same model in another form.</param>
    /// <param name="quantizedOptions">How it is loaded.</param>
    /// <param name="read">What both read, each sample in one window.</param>
    /// <param name="cancellation">Stops before the next sample.</param>
    /// <exception cref="LlavaException">One model was not made from the other, or no sample has anything to predict.</exception>
    public static async Task<QuantizationReport> MeasureAsync(
        string? referencePath, LoadOptions referenceOptions, string? quantizedPath, LoadOptions quantizedOptions,
        Func<LlavaModel, IEnumerable<QuantizationSample>> read, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(referenceOptions);
        ArgumentNullException.ThrowIfNull(quantizedOptions);
        ArgumentNullException.ThrowIfNull(read);
        var layers = new LayerComparison();
        using var quantized = await LlavaModel.LoadAsync(quantizedPath, quantizedOptions with { WrapLinear = layers.Keep }, cancellation).ConfigureAwait(false);
        layers.Type = quantized.Checkpoint.Type;
        using var reference = await LlavaModel.LoadAsync(referencePath, referenceOptions with { DataType = "float32", WrapLinear = layers.Compare }, cancellation).ConfigureAwait(false);
        Check(reference, quantized);
        // both networks are used from one thread, so that a layer of one can be computed in a slot of the other
        return reference.OnModelThread(() =>
        {
            using var noGradient = no_grad();
            var sums = new Sums();
            foreach (var sample in read(reference))
            {
                cancellation.ThrowIfCancellationRequested();
                Compare(reference, quantized, sample, layers, sums);
            }
            return sums.Positions > 0 ? sums.Report(layers.Errors) : throw new LlavaException("No sample has a token to predict: there is nothing to compare.");
        });
    }

    private static void Check(LlavaModel reference, LlavaModel quantized)
    {
        var (wanted, found) = (reference.Checkpoint.Network.Language, quantized.Checkpoint.Network.Language);
        if ((wanted.VocabularySize, wanted.HiddenSize, wanted.Layers) != (found.VocabularySize, found.HiddenSize, found.Layers))
            throw new LlavaException(
                $"'{reference.Name}' has {wanted.Layers} layers of {wanted.HiddenSize} over {wanted.VocabularySize} tokens, '{quantized.Name}' {found.Layers} of {found.HiddenSize} over {found.VocabularySize}: one was not made from the other. Name the checkpoint that it was made from (--reference).");
    }

    private static void Compare(LlavaModel reference, LlavaModel quantized, QuantizationSample sample, LayerComparison layers, Sums sums)
    {
        using var scope = NewDisposeScope();
        var (wantedStates, labels) = States(reference, sample);                                           // [T, C]
        var (foundStates, _) = States(quantized, sample);                                                 // [T, C]
        var (wantedOutput, foundOutput) = (reference.Checkpoint.Network.Language, quantized.Checkpoint.Network.Language);
        // a position predicts the token behind it
        long[] predicting = [.. Enumerable.Range(0, Math.Max(0, labels.Length - 1)).Where(i => labels[i + 1] != LlavaConstants.IgnoreIndex).Select(i => (long)i)];
        foreach (var positions in predicting.Chunk(PositionsAtOnce))
        {
            using var piece = NewDisposeScope();
            var chosen = tensor(positions);
            var states = wantedStates.index_select(0, chosen.to(wantedStates.device));                    // [n, C]
            var logits = wantedOutput.Logits(states);                                                     // [n, V]
            layers.AddOutput(logits, foundOutput.Logits(states.to(layers.Type)));
            var wanted = LogProbabilities(logits);
            var found = LogProbabilities(foundOutput.Logits(foundStates.index_select(0, chosen.to(foundStates.device))));
            sums.Add(wanted, found, [.. positions.Select(i => labels[i + 1])]);
        }
    }

    // the hidden states of a window, [T, C], and the tokens at its positions
    private static (Tensor States, long[] Labels) States(LlavaModel model, QuantizationSample sample)
    {
        using var scope = NewDisposeScope();
        var (network, checkpoint) = (model.Checkpoint.Network, model.Checkpoint);
        var features = network.EncodeImages(model.PreparePixels(sample.Images), checkpoint.Type, checkpoint.Device);
        using var batch = network.Merge([sample.Ids], [sample.Labels], features, checkpoint.Device);
        if (batch.Embeddings.shape[1] > model.ContextLength)
            throw new ContextLengthException((int)batch.Embeddings.shape[1], model.ContextLength);
        var states = network.Language.Forward(batch.Embeddings, batch.Positions)[0];                      // [T, C]
        return (states.MoveToOuterDisposeScope(), batch.Labels[0].cpu().data<long>().ToArray());
    }

    private static Tensor LogProbabilities(Tensor logits) => nn.functional.log_softmax(logits.to(ScalarType.Float64, CPU), 1);

    private sealed class Sums
    {
        private double _referenceLoss;
        private double _loss;
        private double _divergence;
        private double _same;

        public long Positions { get; private set; }

        public void Add(Tensor wanted, Tensor found, long[] next)
        {
            var chosen = tensor(next).unsqueeze(1);                                                       // [n, 1]
            Positions += next.Length;
            _referenceLoss -= Sum(wanted.gather(1, chosen));
            _loss -= Sum(found.gather(1, chosen));
            _divergence += Sum(wanted.exp().mul_(wanted.Minus(found)));
            _same += Sum(wanted.argmax(1).eq(found.argmax(1)));
        }

        public QuantizationReport Report(IReadOnlyList<LayerError> layers) => new()
        {
            Positions = Positions,
            ReferencePerplexity = Math.Exp(_referenceLoss / Positions),
            Perplexity = Math.Exp(_loss / Positions),
            Divergence = _divergence / Positions,
            SameToken = _same / Positions,
            Layers = layers,
        };

        private static double Sum(Tensor values) => values.to(ScalarType.Float64).sum().data<double>()[0];
    }
}
