using LlavaSharp.Checkpoints;
using LlavaSharp.Imaging;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>Training a LLaVA, or a plain language model, on conversations.</summary>
public sealed class LlavaTrainingTask : ITrainingTask<TrainingBatch>
{
    private readonly TrainingModel _model;
    private readonly ITrainingData _data;
    private readonly ModelWriter _writer;

    /// <summary>Joins a model with data.</summary>
    /// <param name="model">What is trained; stays the caller's.</param>
    /// <param name="data">What it learns from.</param>
    /// <param name="warn">Gets a line for each sample of which nothing can be learned because its masks do not add up; null: nobody does.</param>
    public LlavaTrainingTask(TrainingModel model, ITrainingData data, Action<string>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        (_model, _data, Warn) = (model, data, warn);
        _writer = new ModelWriter(model);
        Groups = ParameterGroup.Create(model.Weights.Trained, model.Options.LearningRate, model.Options.WeightDecay, model.Options.ProjectorLearningRate, model.Options.TowerLearningRate);
    }

    /// <summary>Gets a line for each sample that is masked whole.</summary>
    public Action<string>? Warn { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <inheritdoc/>
    public long? SampleCount => _data.Count;

    /// <inheritdoc/>
    public int EstimateLength(long index) => _data.EstimateLength(index);

    /// <inheritdoc/>
    public TrainingBatch Prepare(IReadOnlyList<long> indices, CancellationToken cancellationToken)
    {
        var batch = new TrainingBatch(indices, [.. indices.Select(index => _data.Get(index, cancellationToken))]);
        for (var i = 0; i < indices.Count && Warn is not null; i++)
        {
            if (batch.Samples[i].Conversation.Mismatch is { } lengths)
                Warn($"Sample {indices[i]} is not learned: its rounds take {lengths.Rounds} ids, the whole {lengths.Total}.");
        }
        return batch;
    }

    /// <inheritdoc/>
    public (Tensor Loss, bool Counts) Loss(TrainingBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var scope = NewDisposeScope();
        var network = _model.Network;
        var pictures = batch.Samples.Select(sample => sample.Picture).OfType<PixelValues>().ToList();
        IReadOnlyList<Tensor> features = pictures.Count == 0 ? [] : network.MergeTiles(network.Encode(Pixels(pictures)), pictures);
        using var merged = network.Merge(
            [.. batch.Samples.Select(sample => sample.Conversation.Ids)], [.. batch.Samples.Select(sample => sample.Conversation.Labels)], features, CPU, padLeft: false);
        if (HasLearned(merged.Plan))
            return (network.Loss(merged).MoveToOuterDisposeScope(), true);
        // nothing to learn: gradients of zero, as the original's, so that moments decay as if the batch had counted
        var hidden = network.Language.Forward(merged.Embeddings, merged.Positions, merged.Visible);         // [B, T, C]
        return (network.Language.Logits(hidden.narrow(1, 0, 1)).sum().Plus(hidden.sum()).mul(Scalars.Of(0)).MoveToOuterDisposeScope(), false);
    }

    /// <inheritdoc/>
    public void SaveCheckpoint(string folder) => _writer.Write(folder, StoredDataType.Float32, finished: false);

    /// <inheritdoc/>
    public void LoadCheckpoint(string folder) => _writer.Read(folder);

    /// <inheritdoc/>
    public void SaveFinal(string folder) => _writer.Write(folder, _model.Options.SaveType, finished: true);

    private static Tensor Pixels(List<PixelValues> pictures)
    {
        var size = pictures[0].Data.Length;
        var all = GC.AllocateUninitializedArray<float>(pictures.Count * size);
        for (var i = 0; i < pictures.Count; i++)
            pictures[i].Data.CopyTo(all.AsSpan(i * size));
        return tensor(all, [pictures.Count, 3, pictures[0].Height, pictures[0].Width]);                     // [N, 3, S, S]
    }

    // the first label has no position that predicts it
    private static bool HasLearned(Models.MergePlan plan) =>
        plan.Rows.Any(row => row.Labels.AsSpan(Math.Min(1, row.Labels.Length)).ContainsAnyExcept(Prompts.LlavaConstants.IgnoreIndex));
}
