using LlavaSharp.Checkpoints;

namespace LlavaSharp.Prompts;

/// <summary>The model's name, from which the original infers templates and ways of loading.</summary>
public static class ModelNames
{
    /// <summary>
    /// The last part of a path; a part that begins with <c>checkpoint-</c> gets the part before it in front, with an underscore.
    /// Only <c>/</c> separates, as in the original (<c>get_model_name_from_path</c>).
    /// </summary>
    /// <exception cref="CheckpointException">The path is only <c>checkpoint-...</c>: there is no part before it.</exception>
    public static string FromPath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var parts = path.Trim('/').Split('/');
        if (!parts[^1].StartsWith("checkpoint-", StringComparison.Ordinal))
            return parts[^1];
        if (parts.Length == 1)
            throw new CheckpointException(
                $"'{path}' is a checkpoint of a run whose name is not in the path. Give the path with the run's folder, such as 'my-llava/{parts[0]}'.", path);
        return $"{parts[^2]}_{parts[^1]}";
    }
}
