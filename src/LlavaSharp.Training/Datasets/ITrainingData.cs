namespace LlavaSharp.Training;

/// <summary>Samples ready for the network. Safe for concurrent use.</summary>
public interface ITrainingData
{
    /// <summary>How many there are; null when they never end.</summary>
    long? Count { get; }

    /// <summary>One sample; the same index always gives the same one.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1, or any number from 0 up.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    TrainingSample Get(long index, CancellationToken cancellationToken = default);

    /// <summary>About how long a sample is, in words; cheap, for batches of samples of like length.</summary>
    /// <param name="index">As for <see cref="Get"/>.</param>
    int EstimateLength(long index);
}
