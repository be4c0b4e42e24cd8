namespace LlavaSharp.Training;

/// <summary>How a run ended.</summary>
/// <param name="Steps">The number of updates done, those before a resumption included.</param>
/// <param name="Finished">Whether the run is over: false when it was interrupted; then the last checkpoint says where to go on.</param>
/// <param name="LastLoss">The last logged loss, or null.</param>
public sealed record TrainingResult(long Steps, bool Finished, double? LastLoss);
