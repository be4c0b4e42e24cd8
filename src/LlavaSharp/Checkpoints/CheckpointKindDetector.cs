using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Checkpoints;

/// <summary>Tells what a checkpoint is from its files, its config and its tensors' names; the folder's own name is never looked at.</summary>
public static class CheckpointKindDetector
{
    /// <summary>Tells what a folder, a projector's file, or a GGUF file holds.</summary>
    /// <param name="path">The folder, or the path of a projector's <c>.bin</c> or of a GGUF file.</param>
    /// <param name="isDelta">
    /// Whether the user says that the weights are a delta. Files cannot tell: a delta has the names, shapes and config of a full model, and its values are
    /// ordinary numbers; so without this word it counts as full.
    /// </param>
    /// <exception cref="CheckpointException">The folder holds no checkpoint, or one that cannot be read.</exception>
    public static CheckpointKind Detect(string path, bool isDelta = false)
    {
        if (File.Exists(path))
        {
            if (GgufCheckpoint.Is(path))
            {
                using var gguf = GgufFile.Open(path);
                return GgufInspector.Kind(gguf);
            }
            using var projector = ProjectorFile.Open(path);
            return CheckpointKind.ProjectorOnly;
        }
        // a plain adapter has no config.json of its own
        if (File.Exists(Path.Combine(path, "adapter_config.json")))
            return CheckpointKind.LoraAdapter;
        using var folder = CheckpointFolder.Open(path);
        return Detect(folder, isDelta);
    }

    /// <summary>Tells what an open folder holds.</summary>
    /// <inheritdoc cref="Detect(string, bool)"/>
    public static CheckpointKind Detect(CheckpointFolder folder, bool isDelta = false)
    {
        if (folder.IsVisionTower)
            return CheckpointKind.VisionTower;
        if (File.Exists(Path.Combine(folder.Folder, "adapter_config.json")))
            return CheckpointKind.LoraAdapter;
        if (folder.WeightPaths.Count == 0 && File.Exists(Path.Combine(folder.Folder, ProjectorFile.FileName)))
            return CheckpointKind.ProjectorOnly;
        if (isDelta)
            return CheckpointKind.Delta;
        var projects = folder.Tensors.Keys.Any(name => name.Contains(".mm_projector.", StringComparison.Ordinal))
            || folder.Config is { MmVisionTower: not null, MmProjectorDepth: 0 }; // an identity has no tensors
        return projects ? CheckpointKind.Full : CheckpointKind.LanguageModelOnly;
    }
}
