namespace LlavaSharp.Training.Tests;

/// <summary>Tests that count live tensors, which are those of the whole process: they run one after the other, and nothing else beside them.</summary>
[CollectionDefinition(nameof(TrainingRuns), DisableParallelization = true)]
public class TrainingRuns;
