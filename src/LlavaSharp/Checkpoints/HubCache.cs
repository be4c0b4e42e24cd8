using System.Text.RegularExpressions;

namespace LlavaSharp.Checkpoints;

/// <summary>The hub's cache on this machine: <c>models--org--name/refs/main</c> holds a commit, <c>snapshots/commit</c> the files.</summary>
internal static partial class HubCache
{
    /// <summary>Whether a text can be a model's id on the hub: <c>name</c> or <c>org/name</c>.</summary>
    public static bool IsHubId(string text) => text.Length <= 200 && HubId().IsMatch(text) && !text.Contains("..", StringComparison.Ordinal) && !text.Contains("--", StringComparison.Ordinal);

    /// <summary>The folder of a model, whether it exists or not.</summary>
    public static string ModelFolder(string cache, string id) => Path.Combine(cache, "models--" + id.Replace("/", "--", StringComparison.Ordinal));

    /// <summary>The snapshot of a revision, or null.</summary>
    public static string? FindSnapshot(string cache, string id, string revision)
    {
        if (!IsHubId(id))
            return null;
        var model = ModelFolder(cache, id);
        var snapshots = Path.Combine(model, "snapshots");
        if (!Directory.Exists(snapshots))
            return null;
        var reference = Path.Combine(model, "refs", revision);
        if (IsRevision(revision) && File.Exists(reference) && new FileInfo(reference).Length < 256)
        {
            var commit = File.ReadAllText(reference).Trim();
            if (IsCommit(commit) && Directory.Exists(Path.Combine(snapshots, commit)))
                return Path.Combine(snapshots, commit);
        }
        return IsCommit(revision) && Directory.Exists(Path.Combine(snapshots, revision)) ? Path.Combine(snapshots, revision) : null;
    }

    /// <summary>Whether a text is a commit's name, and so safe as a folder's.</summary>
    public static bool IsCommit(string text) => Commit().IsMatch(text);

    /// <summary>Whether a text can be a branch or tag (one that is safe in a path).</summary>
    public static bool IsRevision(string text) => text.Length <= 100 && Revision().IsMatch(text) && !text.Contains("..", StringComparison.Ordinal);

    /// <summary>Whether a folder has what loading needs: a config, and weights of some kind with all their shards.</summary>
    public static bool IsComplete(string folder)
    {
        if (Has("adapter_config.json"))
            return Has("adapter_model.safetensors") || Has("adapter_model.bin");
        if (!Has("config.json"))
            return false;
        if (Has("model.safetensors") || Has("pytorch_model.bin") || Has(ProjectorFile.FileName))
            return true;
        foreach (var index in (ReadOnlySpan<string>)["model.safetensors.index.json", "pytorch_model.bin.index.json"])
            if (Has(index))
                return CheckpointIndex.Load(Path.Combine(folder, index)).Shards.All(Has);
        return false;

        bool Has(string name) => File.Exists(Path.Combine(folder, name));
    }

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex HubId();

    [GeneratedRegex(@"^[0-9a-f]{7,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Commit();

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Revision();
}
