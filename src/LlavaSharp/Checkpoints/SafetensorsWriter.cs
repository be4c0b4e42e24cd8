using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LlavaSharp.IO;

namespace LlavaSharp.Checkpoints;

/// <summary>Writes safetensors files, one or in shards with an index; the tensors stream through.</summary>
public static partial class SafetensorsWriter
{
    /// <summary>The shard size of the original's library: 5 GB.</summary>
    public const long DefaultMaxShardBytes = 5_000_000_000;

    private const int DataAlignment = 64;   // a line of the cache: packed matrices are used where they are mapped

    private static readonly Dictionary<string, string> TorchMetadata = new() { ["format"] = "pt" };

    /// <summary>Writes one file.</summary>
    /// <param name="path">Its path; written under a temporary name first.</param>
    /// <param name="tensors">What it holds, in any order.</param>
    /// <param name="metadata">Texts for the header; null: <c>format: pt</c>, which the original's library asks for.</param>
    /// <exception cref="CheckpointException">Two tensors have the same name, or a callback gave the wrong number of bytes.</exception>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<TensorToWrite> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        // whole lines of the cache first, then wide types: that keeps every tensor aligned without gaps, which the format forbids
        var sorted = tensors.OrderByDescending(t => t.ByteLength % DataAlignment == 0).ThenByDescending(t => t.DataType.Size()).ThenBy(t => t.Name, StringComparer.Ordinal).ToList();
        var header = MakeHeader(path, sorted, metadata ?? TorchMetadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (var tensor in sorted)
                tensor.WriteTo(stream);
        });
    }

    /// <summary>
    /// Writes <c>model.safetensors</c>, or shards <c>model-0000i-of-0000n.safetensors</c> with <c>model.safetensors.index.json</c> when the tensors take more than
    /// <paramref name="maxShardBytes"/>; tensors keep their order, and one larger than a shard gets a shard of its own. Files of an earlier save of either form are removed last.
    /// </summary>
    /// <returns>The paths of the weight files.</returns>
    /// <exception cref="CheckpointException">As <see cref="Write"/>.</exception>
    public static IReadOnlyList<string> WriteSharded(string folder, IEnumerable<TensorToWrite> tensors, long maxShardBytes = DefaultMaxShardBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxShardBytes);
        var all = tensors.ToList();
        RefuseTwins(folder, all);
        var shards = Split(all, maxShardBytes);
        var names = shards.Count == 1
            ? ["model.safetensors"]
            : Enumerable.Range(1, shards.Count).Select(i => $"model-{i:D5}-of-{shards.Count:D5}.safetensors").ToList();
        for (var i = 0; i < shards.Count; i++)
            Write(Path.Combine(folder, names[i]), shards[i]);
        var indexPath = Path.Combine(folder, "model.safetensors.index.json");
        if (shards.Count > 1)
            AtomicFile.WriteJson(indexPath, MakeIndex(shards, names));
        else
            File.Delete(indexPath);
        foreach (var file in Directory.EnumerateFiles(folder, "model*.safetensors").Select(Path.GetFileName).OfType<string>().ToList())
            if (!names.Contains(file) && (file == "model.safetensors" || ShardName().IsMatch(file)))
                File.Delete(Path.Combine(folder, file));
        return [.. names.Select(name => Path.Combine(folder, name))];
    }

    private static byte[] MakeHeader(string path, List<TensorToWrite> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        RefuseTwins(path, tensors);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata)
                json.WriteString(key, value);
            json.WriteEndObject();
            long offset = 0;
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DataType.SafetensorsName());
                WriteArray(json, "shape", tensor.Shape);
                WriteArray(json, "data_offsets", [offset, offset += tensor.ByteLength]);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // the length of the header itself takes eight bytes
        while ((buffer.Length + sizeof(long)) % DataAlignment != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    private static void WriteArray(Utf8JsonWriter json, string name, long[] values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    private static List<List<TensorToWrite>> Split(List<TensorToWrite> tensors, long maxShardBytes)
    {
        List<List<TensorToWrite>> shards = [[]];
        long size = 0;
        foreach (var tensor in tensors)
        {
            if (shards[^1].Count > 0 && size + tensor.ByteLength > maxShardBytes)
            {
                shards.Add([]);
                size = 0;
            }
            shards[^1].Add(tensor);
            size += tensor.ByteLength;
        }
        return shards;
    }

    private static JsonObject MakeIndex(List<List<TensorToWrite>> shards, List<string> names)
    {
        var map = new JsonObject();
        for (var i = 0; i < shards.Count; i++)
            foreach (var tensor in shards[i])
                map[tensor.Name] = names[i];
        return new()
        {
            ["metadata"] = new JsonObject { ["total_size"] = shards.SelectMany(shard => shard).Sum(tensor => tensor.ByteLength) },
            ["weight_map"] = map,
        };
    }

    private static void RefuseTwins(string path, List<TensorToWrite> tensors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        foreach (var tensor in tensors)
            if (!names.Add(tensor.Name))
                throw new CheckpointException($"'{path}' cannot be written: two tensors are named '{tensor.Name}', or the name is reserved.", path, tensor.Name);
    }

    [GeneratedRegex(@"^model-\d{5}-of-\d{5}\.safetensors$", RegexOptions.CultureInvariant)]
    private static partial Regex ShardName();
}
