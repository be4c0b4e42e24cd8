namespace LlavaSharp.Checkpoints;

/// <summary>
/// Finds the folder of a vision tower by the name in <c>mm_vision_tower</c>: as a path (absolute or from the working directory), beside the checkpoint's
/// folder, inside it, in the hub's cache, and at last on the hub. A folder counts when it has a <c>config.json</c>.
/// </summary>
/// <param name="options">The hub and its cache; null: as the environment says.</param>
public sealed class VisionTowerLocator(HubOptions? options = null)
{
    private readonly HubOptions _options = options ?? HubOptions.FromEnvironment();

    /// <summary>The tower's folder on this machine, or null.</summary>
    /// <param name="name">The name in the config.</param>
    /// <param name="checkpointFolder">The folder of the checkpoint that names it.</param>
    public string? FindLocally(string name, string checkpointFolder)
    {
        foreach (var candidate in Candidates(name, checkpointFolder))
            if (File.Exists(Path.Combine(candidate, "config.json")))
                return candidate;
        return HubCache.FindSnapshot(_options.CacheFolder, name, _options.Revision) is { } snapshot && HubCache.IsComplete(snapshot) ? snapshot : null;
    }

    /// <summary>The tower's folder, fetched from the hub if need be.</summary>
    /// <param name="name">The name in the config.</param>
    /// <param name="checkpointFolder">The folder of the checkpoint that names it.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="CheckpointException">It is nowhere; the message says where was looked.</exception>
    public async Task<string> LocateAsync(string name, string checkpointFolder, CancellationToken cancellation = default)
    {
        if (FindLocally(name, checkpointFolder) is { } found)
            return found;
        var looked = $"The vision tower '{name}' that '{Path.Combine(checkpointFolder, "config.json")}' names was not found. Looked for a config.json in {string.Join(", ", Candidates(name, checkpointFolder).Select(c => $"'{c}'"))}.";
        if (!HubCache.IsHubId(name))
            throw new CheckpointException($"{looked} It is no id on a hub. Copy the tower's folder beside the checkpoint, or correct mm_vision_tower.", checkpointFolder);
        try
        {
            return await ModelLocator.ResolveAsync(name, _options, cancellation).ConfigureAwait(false);
        }
        catch (CheckpointException exception)
        {
            throw new CheckpointException($"{looked} {exception.Message}", checkpointFolder, innerException: exception);
        }
    }

    private static IEnumerable<string> Candidates(string name, string checkpointFolder)
    {
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(checkpointFolder));
        // a path from another machine, or an id whose files were copied here, is known by its last part
        var last = name.TrimEnd('/', '\\').Split('/', '\\')[^1];
        var found = new List<string> { Path.GetFullPath(name.Length == 0 ? "." : name) };
        if (!Path.IsPathRooted(name))
            Add(Path.GetDirectoryName(folder), name);
        Add(Path.GetDirectoryName(folder), last);
        if (!Path.IsPathRooted(name))
            Add(folder, name);
        Add(folder, last);
        // the checkpoint itself is never its own tower
        return found.Where(candidate => Path.TrimEndingDirectorySeparator(candidate) != folder).Distinct();

        void Add(string? parent, string child)
        {
            if (parent is not null && child.Length > 0)
                found.Add(Path.GetFullPath(Path.Combine(parent, child)));
        }
    }
}
