using System.Text;

namespace LlavaSharp.Checkpoints;

/// <summary>
/// A file of <c>torch.save</c> since PyTorch 1.6: a zip archive whose entries are stored, a pickle with the names, and one entry a storage. The tensors
/// stay where they are in the mapped file; the pickle is read by a machine that knows tensors and nothing else.
/// </summary>
public sealed class TorchFile : ITensorFile
{
    private const int MaxPickleBytes = 64 << 20;

    private readonly TensorMemory _map;

    private TorchFile(TensorMemory map, IReadOnlyDictionary<string, StoredTensor> tensors) => (_map, Tensors) = (map, tensors);

    /// <inheritdoc/>
    public string File => _map.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>Maps a file and reads its list of tensors.</summary>
    /// <exception cref="CheckpointException">The file is missing, truncated, compressed, of the format before PyTorch 1.6, or holds anything but tensors.</exception>
    public static TorchFile Open(string path) => Open(MappedFile.Open(path));

    /// <summary>Takes over bytes that are already there.</summary>
    internal static TorchFile Open(TensorMemory map)
    {
        try
        {
            return new(map, Read(map));
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _map.Dispose();

    private static Dictionary<string, StoredTensor> Read(TensorMemory map)
    {
        var path = map.Path;
        RefuseOthers(map);
        var archive = new ZipDirectory(map);
        var pickles = archive.Names.Where(name => name == "data.pkl" || name.EndsWith("/data.pkl", StringComparison.Ordinal)).ToList();
        if (pickles.Count != 1)
            throw new CheckpointException($"'{path}' is a zip archive with {pickles.Count} entries 'data.pkl' where a PyTorch file has one.", path);
        var root = pickles[0][..^"data.pkl".Length];
        if (archive.Contains(root + "byteorder"))
        {
            var (at, length) = archive.Locate(root + "byteorder");
            if (length < 3 || !map.Span(at, 3).SequenceEqual("lit"u8))
                throw new CheckpointException($"'{path}' was written on a big-endian machine, which is not read here. Save it again on a little-endian one.", path);
        }
        var (offset, size) = archive.Locate(pickles[0]);
        if (size > MaxPickleBytes)
            throw new CheckpointException($"'{path}' holds a pickle of {size} bytes; {MaxPickleBytes} are allowed.", path);
        return Collect(PickleMachine.Load(map.Span(offset, (int)size), path), archive, root, map);
    }

    private static Dictionary<string, StoredTensor> Collect(object? value, ZipDirectory archive, string root, TensorMemory map)
    {
        var path = map.Path;
        if (value is not PickleDictionary dictionary)
            throw new CheckpointException($"'{path}' does not hold a dictionary of tensors.", path);
        IEnumerable<KeyValuePair<object?, object?>> pairs = dictionary.Pairs ?? [];
        if (pairs.FirstOrDefault(pair => pair.Key is "state_dict" && pair.Value is PickleDictionary).Value is PickleDictionary inner)
            pairs = inner.Pairs ?? [];
        var storages = new Dictionary<string, (long Offset, long Length)>(StringComparer.Ordinal);
        var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var (key, item) in pairs)
        {
            if (key is not string name || item is not PickleTensor tensor)
                throw new CheckpointException($"'{path}' holds '{key}', which is no tensor with a name: only a dictionary of tensors is read.", path, key as string);
            if (!storages.TryGetValue(tensor.Storage.Key, out var place))
                storages[tensor.Storage.Key] = place = archive.Locate($"{root}data/{tensor.Storage.Key}");
            if (!tensors.TryAdd(name, Place(name, tensor, place, map)))
                throw new CheckpointException($"'{path}' names tensor '{name}' twice.", path, name);
        }
        return tensors;
    }

    private static StoredTensor Place(string name, PickleTensor tensor, (long Offset, long Length) place, TensorMemory map)
    {
        var size = tensor.DataType.Size();
        var unit = tensor.Storage.DataType?.Size() ?? 1;
        if (tensor.Storage.Count > place.Length / unit || tensor.Storage.DataType is { } type && type != tensor.DataType)
            throw Fail($"its storage holds {place.Length} bytes, not {tensor.Storage.Count} elements: the file is truncated or lies");
        if (TensorShape.ByteLength(tensor.Shape, tensor.DataType) is not { } bytes || bytes > place.Length)
            throw Fail($"its shape {TensorShape.Describe(tensor.Shape)} needs more than the {place.Length} bytes of its storage");
        Int128 last = 0;
        for (var i = 0; i < tensor.Shape.Length; i++)
            last += (Int128)Math.Max(0, tensor.Shape[i] - 1) * tensor.Strides[i];
        var elements = tensor.Storage.Count * unit / size;
        if (bytes == 0)
            return new(name, tensor.DataType, tensor.Shape, null, map.Path, map, place.Offset, 0);
        if (tensor.Offset < 0 || tensor.Offset + last >= elements)
            throw Fail($"its elements {tensor.Offset} to {tensor.Offset + last} leave its storage of {elements}");
        var strides = IsRowMajor(tensor.Shape, tensor.Strides) ? null : tensor.Strides;
        return new(name, tensor.DataType, tensor.Shape, strides, map.Path, map, place.Offset + tensor.Offset * size, ((long)last + 1) * size);

        CheckpointException Fail(string what) => new($"Tensor '{name}' of '{map.Path}': {what}.", map.Path, name);
    }

    private static bool IsRowMajor(long[] shape, long[] strides)
    {
        long expected = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != expected)
                return false;
            expected *= shape[i];
        }
        return true;
    }

    private static void RefuseOthers(TensorMemory map)
    {
        var path = map.Path;
        var start = map.Span(0, (int)Math.Min(64, map.Length));
        if (start.StartsWith("PK"u8))
            return;
        // the number 0x1950a86a20f9469cfc6c as a pickle of protocol 2 began every file before PyTorch 1.6
        if (start.Length >= 14 && start[0] == 0x80 && start[2..].StartsWith((ReadOnlySpan<byte>)[0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]))
            throw new CheckpointException($"'{path}' has the format of PyTorch before 1.6, which cannot be mapped. Load and save it once with a newer PyTorch, or take the weights as safetensors.", path);
        throw new CheckpointException($"'{path}' is no PyTorch file: it begins with {Printable(start)}.{TensorFile.GuessFrom(start)}", path);
    }

    private static string Printable(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("'");
        foreach (var value in bytes[..Math.Min(16, bytes.Length)])
            text.Append(value is >= 32 and < 127 ? (char)value : '.');
        return text.Append('\'').ToString();
    }
}
