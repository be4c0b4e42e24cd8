using System.Text.Json;
using System.Text.Json.Serialization;
using LlavaSharp.Checkpoints;
using LlavaSharp.IO;

namespace LlavaSharp.Training;

/// <summary>Where a run is: <c>trainer_state.json</c>.</summary>
public sealed class TrainerState
{
    internal const string FileName = "trainer_state.json";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, IndentSize = 2 };

    /// <summary>The number of updates done.</summary>
    [JsonPropertyName("global_step")]
    public long GlobalStep { get; set; }

    /// <summary>The number of updates of the run; 0 when only the clock ends it.</summary>
    [JsonPropertyName("max_steps")]
    public long MaxSteps { get; set; }

    /// <summary>How often the data has been seen; for data that never ends, the number of samples.</summary>
    [JsonPropertyName("epoch")]
    public double Epoch { get; set; }

    /// <summary>The number of micro-batches used.</summary>
    [JsonPropertyName("micro_batches")]
    public long MicroBatches { get; set; }

    /// <summary>Seconds of training, over all resumptions.</summary>
    [JsonPropertyName("elapsed_seconds")]
    public double ElapsedSeconds { get; set; }

    /// <summary>What was logged.</summary>
    [JsonPropertyName("log_history")]
    public List<TrainingLogEntry> LogHistory { get; set; } = [];

    /// <summary>The optimizer's count of updates of each parameter.</summary>
    [JsonPropertyName("optimizer_steps")]
    public Dictionary<string, long> OptimizerSteps { get; set; } = [];

    /// <summary>Writes the file into a folder.</summary>
    internal void Save(string folder) =>
        AtomicFile.Write(Path.Combine(folder, FileName), stream => JsonSerializer.Serialize(stream, this, Json));

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="TrainingException">It is missing or malformed.</exception>
    internal static TrainerState Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            return JsonSerializer.Deserialize<TrainerState>(File.ReadAllBytes(path)) ?? throw new TrainingException($"'{path}' is empty.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new TrainingException($"The run cannot be resumed from '{path}': {exception.Message} Remove the folder to resume from an older checkpoint.", innerException: exception);
        }
    }
}
