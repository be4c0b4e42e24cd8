using LlavaSharp.Checkpoints;

namespace LlavaSharp;

/// <summary>The small model that comes with LlavaSharp and knows a world of simple pictures.</summary>
public static class EmbeddedModel
{
    /// <summary>Its name.</summary>
    public const string Name = "llava-tiny";

    /// <summary>The folder of the embedded model: beside the program, or in the source tree that the program was built from.</summary>
    /// <exception cref="CheckpointException">It is in neither place.</exception>
    public static string Find() => TryFind() ?? throw new CheckpointException(
        $"The embedded model was not found (looked for models/{Name}/config.json beside the program in '{AppContext.BaseDirectory}' and in the folders above it). Name a checkpoint with --model-path, or copy models/{Name} there.");

    /// <summary>The folder of the embedded model, or null.</summary>
    public static string? TryFind()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "models", Name);
            if (File.Exists(Path.Combine(candidate, "config.json")))
                return candidate;
        }
        return null;
    }
}
