using System.Text.Json.Serialization;

namespace LlavaSharp.Training;

/// <summary>One line of a run's log.</summary>
public sealed record TrainingLogEntry
{
    /// <summary>The number of updates done.</summary>
    [JsonPropertyName("step")]
    public required long Step { get; init; }

    /// <summary>How often the data has been seen; for data that never ends, the number of samples.</summary>
    [JsonPropertyName("epoch")]
    public required double Epoch { get; init; }

    /// <summary>The mean loss of the updates since the last line, over the micro-batches that counted; null when none did.</summary>
    [JsonPropertyName("loss")]
    public required double? Loss { get; init; }

    /// <summary>The base learning rate of the next update, as the original logs it.</summary>
    [JsonPropertyName("learning_rate")]
    public required double LearningRate { get; init; }

    /// <summary>The global norm of the last update's gradients, before clipping.</summary>
    [JsonPropertyName("grad_norm")]
    public required double GradientNorm { get; init; }

    /// <summary>Samples a second since the last line.</summary>
    [JsonPropertyName("samples_per_second")]
    public required double SamplesPerSecond { get; init; }

    /// <summary>Seconds of training so far, over all resumptions.</summary>
    [JsonPropertyName("elapsed_seconds")]
    public required double ElapsedSeconds { get; init; }
}
