namespace LlavaSharp.Training;

/// <summary>One micro-batch in plain arrays.</summary>
/// <param name="Indices">The samples' places in the data.</param>
/// <param name="Samples">The samples.</param>
public sealed record TrainingBatch(IReadOnlyList<long> Indices, IReadOnlyList<TrainingSample> Samples)
{
    /// <summary>Whether any position of any sample is learned.</summary>
    public bool IsLearned => Samples.Any(sample => sample.Conversation.IsLearned);
}
