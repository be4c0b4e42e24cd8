using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>What a <see cref="Trainer{TBatch}"/> trains: the parameters, where batches come from, the loss, and how the model is kept in a folder.</summary>
/// <typeparam name="TBatch">A micro-batch in plain arrays, without tensors.</typeparam>
public interface ITrainingTask<TBatch>
{
    /// <summary>What is trained, by rate and weight decay.</summary>
    IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>The number of samples of one pass over the data; null when it never ends.</summary>
    long? SampleCount { get; }

    /// <summary>About how long a sample is; called on any thread.</summary>
    /// <param name="index">The sample's place in the data.</param>
    int EstimateLength(long index);

    /// <summary>Makes a micro-batch; called on any thread, for several at once.</summary>
    /// <param name="indices">The samples' places in the data.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    TBatch Prepare(IReadOnlyList<long> indices, CancellationToken cancellationToken);

    /// <summary>The loss of a micro-batch, connected with the parameters; on the thread that trains.</summary>
    /// <returns>The scalar to differentiate, and whether it counts as a loss: where nothing of the micro-batch is learned it is zero and does not.</returns>
    (Tensor Loss, bool Counts) Loss(TBatch batch);

    /// <summary>Writes the model into an empty folder, exactly enough to go on from it.</summary>
    void SaveCheckpoint(string folder);

    /// <summary>Takes the values of a checkpoint.</summary>
    void LoadCheckpoint(string folder);

    /// <summary>Writes the finished model into the output folder.</summary>
    void SaveFinal(string folder);
}
