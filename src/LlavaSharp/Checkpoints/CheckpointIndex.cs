using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Checkpoints;

/// <summary>A shard index (<c>model.safetensors.index.json</c>, <c>pytorch_model.bin.index.json</c>): which file holds which tensor.</summary>
public sealed class CheckpointIndex
{
    private CheckpointIndex(string file, Dictionary<string, string> weightMap)
    {
        (File, WeightMap) = (file, weightMap);
        Shards = [.. weightMap.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>The index's path.</summary>
    public string File { get; }

    /// <summary>File name by tensor name.</summary>
    public IReadOnlyDictionary<string, string> WeightMap { get; }

    /// <summary>The file names, each once, in order.</summary>
    public IReadOnlyList<string> Shards { get; }

    /// <summary>Reads an index.</summary>
    /// <exception cref="CheckpointException">The file is no index, or names a file outside its own folder.</exception>
    public static CheckpointIndex Load(string path) => FromJson(ConfigFile.Read(path), path);

    /// <summary>Parses the bytes of an index; <paramref name="file"/> is for messages.</summary>
    /// <exception cref="CheckpointException">The bytes are no index, or name a file outside its own folder.</exception>
    public static CheckpointIndex Parse(ReadOnlySpan<byte> utf8, string file) => FromJson(ConfigFile.Parse(utf8, file), file);

    private static CheckpointIndex FromJson(JsonObject json, string path)
    {
        if (json["weight_map"] is not JsonObject map || map.Count == 0)
            throw new CheckpointException($"'{path}' is no shard index: it has no 'weight_map' with tensor names.", path);
        var weights = new Dictionary<string, string>(map.Count, StringComparer.Ordinal);
        foreach (var (tensor, node) in map)
        {
            if (node?.GetValueKind() != JsonValueKind.String || !node.AsValue().TryGetValue(out string? shard))
                throw new CheckpointException($"'{path}': the shard of tensor '{tensor}' is not a file name.", path, tensor);
            if (shard.Length == 0 || shard is "." or ".." || shard.AsSpan().ContainsAny("/\\:\0"))
                throw new CheckpointException($"'{path}': the shard '{shard}' of tensor '{tensor}' is not a file beside the index.", path, tensor);
            weights[tensor] = shard;
        }
        return new(path, weights);
    }
}
