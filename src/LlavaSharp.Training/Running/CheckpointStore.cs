using System.Globalization;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Training;

/// <summary>The <c>checkpoint-N</c> folders of a run. A folder has its name only when it is complete.</summary>
internal sealed class CheckpointStore(string directory, int limit)
{
    private const string Prefix = "checkpoint-";
    private const string OptimizerFile = "optimizer.safetensors";

    /// <summary>The newest checkpoint, or null.</summary>
    public string? Newest() => All().Select(c => c.Folder).LastOrDefault();

    /// <summary>Writes a checkpoint under a temporary name, renames it, and removes those beyond the limit.</summary>
    public void Save(TrainerState state, AdamW optimizer, Action<string> saveModel)
    {
        Directory.CreateDirectory(directory);
        var target = Path.Combine(directory, FormattableString.Invariant($"{Prefix}{state.GlobalStep}"));
        var temporary = Path.Combine(directory, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}.tmp");
        Directory.CreateDirectory(temporary);
        try
        {
            saveModel(temporary);
            var (moments, steps) = optimizer.GetState();
            TensorWriter.Write(Path.Combine(temporary, OptimizerFile), moments, StoredDataType.Float32);
            state.OptimizerSteps = new(steps, StringComparer.Ordinal);
            state.Save(temporary);
            if (Directory.Exists(target))
                Directory.Delete(target, recursive: true);
            Directory.Move(temporary, target);
        }
        catch
        {
            Directory.Delete(temporary, recursive: true);
            throw;
        }
        if (limit <= 0)
            return;
        foreach (var (_, folder) in All().SkipLast(limit))
            Directory.Delete(folder, recursive: true);
    }

    /// <summary>Reads the state and gives the optimizer its moments.</summary>
    public static TrainerState Load(string folder, AdamW optimizer)
    {
        var state = TrainerState.Load(folder);
        using var file = SafetensorsFile.Open(Path.Combine(folder, OptimizerFile));
        var moments = file.Tensors.ToDictionary(t => t.Key, t => StoredTensors.ToFloat32(t.Value), StringComparer.Ordinal);
        try
        {
            optimizer.SetState(moments, state.OptimizerSteps);
        }
        finally
        {
            foreach (var moment in moments.Values)
                moment.Dispose();
        }
        return state;
    }

    private IReadOnlyList<(long Step, string Folder)> All() => !Directory.Exists(directory) ? [] :
    [
        .. Directory.EnumerateDirectories(directory, $"{Prefix}*")
            .Select(folder => (Step: long.TryParse(Path.GetFileName(folder).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : -1, Folder: folder))
            .Where(c => c.Step >= 0 && File.Exists(Path.Combine(c.Folder, TrainerState.FileName)))
            .OrderBy(c => c.Step),
    ];
}
