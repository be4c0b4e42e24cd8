namespace LlavaSharp.Checkpoints;

/// <summary>Turns what a user names (a folder, or an id on the hub) into a folder on this machine.</summary>
public static class ModelLocator
{
    /// <summary>The folder of a model, fetched from the hub if need be.</summary>
    /// <param name="pathOrHubId">A folder, a file, or an id such as <c>liuhaotian/llava-v1.5-7b</c>.</param>
    /// <param name="options">The hub and its cache; null: as the environment says.</param>
    /// <param name="cancellation">Stops a download; what was fetched stays for next time.</param>
    /// <exception cref="CheckpointException">It is neither on this machine nor to be had from the hub; the message says where was looked.</exception>
    public static async Task<string> ResolveAsync(string pathOrHubId, HubOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= HubOptions.FromEnvironment();
        if (FindLocally(pathOrHubId, options) is { } found)
            return found;
        if (!HubCache.IsHubId(pathOrHubId) || !HubCache.IsRevision(options.Revision))
            throw new CheckpointException($"There is no folder '{pathOrHubId}' (looked in '{Path.GetFullPath(".")}'), and '{pathOrHubId}' is no id on a hub. Check the path.", pathOrHubId);
        if (options.Offline)
            throw new CheckpointException($"The model '{pathOrHubId}' is not on this machine. {Describe(pathOrHubId, options)} The hub was not asked: this is offline (--offline, HF_HUB_OFFLINE).", pathOrHubId);
        using var downloader = new HubDownloader(options);
        try
        {
            return await downloader.DownloadAsync(pathOrHubId, cancellation).ConfigureAwait(false);
        }
        catch (CheckpointException exception)
        {
            throw new CheckpointException($"{exception.Message} {Describe(pathOrHubId, options)}", pathOrHubId, innerException: exception);
        }
    }

    /// <summary>The folder of a model that is already on this machine (as a path, or whole in the hub's cache), or null.</summary>
    public static string? FindLocally(string pathOrHubId, HubOptions? options = null)
    {
        options ??= HubOptions.FromEnvironment();
        if (pathOrHubId.Length == 0)
            throw new CheckpointException("The model's name is empty. Give a folder, or an id such as liuhaotian/llava-v1.5-7b.");
        if (Directory.Exists(pathOrHubId) || File.Exists(pathOrHubId))
            return pathOrHubId;
        return HubCache.FindSnapshot(options.CacheFolder, pathOrHubId, options.Revision) is { } snapshot && HubCache.IsComplete(snapshot) ? snapshot : null;
    }

    internal static string Describe(string id, HubOptions options) =>
        $"Looked for a folder '{id}' and for the model in the cache '{options.CacheFolder}' (revision '{options.Revision}'{(HubCache.FindSnapshot(options.CacheFolder, id, options.Revision) is null ? "" : "; it is there, but files are missing")}). Without network: fetch the model's files on another machine, copy them here, and give their folder.";
}
