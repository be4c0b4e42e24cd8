using System.Buffers.Binary;
using System.Text.Json;

namespace LlavaSharp.Checkpoints;

/// <summary>A safetensors file: 8 bytes with the header's length, a JSON header, then the tensors' bytes without gaps.</summary>
public sealed class SafetensorsFile : ITensorFile
{
    private const long MaxHeaderBytes = 100_000_000; // the format's own limit

    private readonly TensorMemory _map;

    private SafetensorsFile(TensorMemory map, IReadOnlyDictionary<string, StoredTensor> tensors, IReadOnlyDictionary<string, string> metadata) =>
        (_map, Tensors, Metadata) = (map, tensors, metadata);

    /// <inheritdoc/>
    public string File => _map.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>The header's <c>__metadata__</c>, such as <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="CheckpointException">The file is missing, truncated, or its header is malformed or disagrees with the file.</exception>
    public static SafetensorsFile Open(string path) => Open(MappedFile.Open(path));

    /// <summary>Takes over bytes that are already there.</summary>
    internal static SafetensorsFile Open(TensorMemory map)
    {
        try
        {
            return Read(map);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            map.Dispose();
            throw new CheckpointException($"The header of '{map.Path}' is not valid: {exception.Message}", map.Path, innerException: exception);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _map.Dispose();

    private static SafetensorsFile Read(TensorMemory map)
    {
        var path = map.Path;
        if (map.Length < 8)
            throw new CheckpointException($"'{path}' has only {map.Length} bytes, too few for a safetensors file. Fetch it again.", path);
        var start = map.Span(0, (int)Math.Min(64, map.Length));
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (headerLength > MaxHeaderBytes || (long)headerLength > map.Length - 8)
            throw new CheckpointException(
                $"'{path}' claims a header of {headerLength} bytes, but the file has {map.Length} (and {MaxHeaderBytes} are allowed): it is truncated, or no safetensors file.{TensorFile.GuessFrom(start)}", path);
        var header = map.Span(8, (int)headerLength);
        var dataStart = 8 + (long)headerLength;
        var dataLength = map.Length - dataStart;

        var entries = new List<Entry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(header);
        Expect(ref reader, JsonTokenType.StartObject);
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            if (!names.Add(name))
                throw new CheckpointException($"'{path}' names tensor '{name}' twice.", path, name);
            if (name == "__metadata__")
                ReadMetadata(ref reader, metadata);
            else
                entries.Add(ReadEntry(ref reader, name, path));
        }
        if (reader.Read())
            throw new JsonException("more follows after the header's object");
        return new(map, Check(entries, map, dataStart, dataLength), metadata);
    }

    private static Dictionary<string, StoredTensor> Check(List<Entry> entries, TensorMemory map, long dataStart, long dataLength)
    {
        var path = map.Path;
        var tensors = new Dictionary<string, StoredTensor>(entries.Count, StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            if (entry.Begin < 0 || entry.End < entry.Begin || entry.End > dataLength)
                throw new CheckpointException(
                    $"Tensor '{entry.Name}' of '{path}' claims bytes {entry.Begin} to {entry.End}, but {dataLength} follow the header: the file is truncated or its header lies.", path, entry.Name);
            if (TensorShape.ByteLength(entry.Shape, entry.DataType) is not { } bytes || bytes != entry.End - entry.Begin)
                throw new CheckpointException(
                    $"Tensor '{entry.Name}' of '{path}' has shape {TensorShape.Describe(entry.Shape)} of {entry.DataType.TorchName()}, which does not take the {entry.End - entry.Begin} bytes that its offsets give it.", path, entry.Name);
            tensors.Add(entry.Name, new(entry.Name, entry.DataType, entry.Shape, null, path, map, dataStart + entry.Begin, bytes));
        }
        long end = 0;
        foreach (var entry in entries.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.Begin != end)
                throw new CheckpointException(
                    $"Tensor '{entry.Name}' of '{path}' begins at byte {entry.Begin} where {end} was due: tensors {(entry.Begin < end ? "overlap" : "leave a hole")}.", path, entry.Name);
            end = entry.End;
        }
        if (end != dataLength)
            throw new CheckpointException($"'{path}' holds {dataLength - end} bytes after its last tensor that no tensor owns.", path);
        return tensors;
    }

    private static Entry ReadEntry(ref Utf8JsonReader reader, string name, string path)
    {
        StoredDataType? type = null;
        List<long>? shape = null, offsets = null;
        Expect(ref reader, JsonTokenType.StartObject);
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            switch (reader.GetString())
            {
                case "dtype" when type is null:
                    Expect(ref reader, JsonTokenType.String);
                    var typeName = reader.GetString();
                    type = StoredDataTypes.FromSafetensorsName(typeName)
                        ?? throw new CheckpointException($"Tensor '{name}' of '{path}' has the data type '{typeName}', which is not read here.", path, name);
                    break;
                case "shape" when shape is null:
                    shape = ReadIntegers(ref reader);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadIntegers(ref reader);
                    break;
                case var key:
                    throw new CheckpointException($"Tensor '{name}' of '{path}' has a repeated or unknown key '{key}'.", path, name);
            }
        }
        if (type is null || shape is null || offsets is not [var begin, var end])
            throw new CheckpointException($"Tensor '{name}' of '{path}' lacks its type, its shape or its two offsets.", path, name);
        return new(name, type.Value, [.. shape], begin, end);
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        Expect(ref reader, JsonTokenType.StartObject);
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            var key = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String);
            metadata[key] = reader.GetString()!;
        }
    }

    private static List<long> ReadIntegers(ref Utf8JsonReader reader)
    {
        var values = new List<long>(4);
        Expect(ref reader, JsonTokenType.StartArray);
        while (Next(ref reader) != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var value) || value < 0 || values.Count == TensorShape.MaxDimensions)
                throw new JsonException("a size or an offset is not a whole number from 0 up, or there are too many");
            values.Add(value);
        }
        return values;
    }

    private static JsonTokenType Next(ref Utf8JsonReader reader) =>
        reader.Read() ? reader.TokenType : throw new JsonException("the header ends too early");

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (Next(ref reader) != type)
            throw new JsonException($"{type} was due, not {reader.TokenType}");
    }

    private readonly record struct Entry(string Name, StoredDataType DataType, long[] Shape, long Begin, long End);
}
