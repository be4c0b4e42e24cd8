using System.Text;
using LlavaSharp.IO;

namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>Writes GGUF files (version 3, little-endian); the tensors stream through.</summary>
internal static class GgufWriter
{
    private const uint Version = 3;
    private const int PieceBytes = 1 << 24;   // of encoded rows that are in memory at a time

    /// <summary>Writes one file.</summary>
    /// <param name="path">Its path; written under a temporary name first.</param>
    /// <param name="metadata">
    /// Its values: a number of any type, <see cref="bool"/>, <see cref="string"/>, or an array of one of these; an array of arrays is an array too.
    /// </param>
    /// <param name="tensors">What it holds, in order.</param>
    /// <exception cref="CheckpointException">Two tensors bear the same name, a value has a type that the format does not know, or it sets the alignment.</exception>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, object> metadata, IReadOnlyList<GgufTensorToWrite> tensors)
    {
        if (metadata.ContainsKey("general.alignment"))
            throw new CheckpointException($"'{path}' cannot be written: the value 'general.alignment' is not ours to set; tensors are aligned to {GgufFile.DefaultAlignment} bytes.", path);
        RefuseTwins(path, tensors);
        var header = Header(path, metadata, tensors);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach (var tensor in tensors)
            {
                WriteRows(stream, tensor);
                Pad(stream);
                tensor.Written?.Invoke();
            }
        });
    }

    private static byte[] Header(string path, IReadOnlyDictionary<string, object> metadata, IReadOnlyList<GgufTensorToWrite> tensors)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer);   // little-endian on every machine
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)metadata.Count);
        foreach (var (name, value) in metadata)
        {
            WriteText(writer, name);
            if (Type(value) is not { } type)
                throw new CheckpointException($"'{path}' cannot be written: the value '{name}' is a {value.GetType().Name}, which the format does not know.", path);
            writer.Write((uint)type);
            WriteValue(writer, value, path, name);
        }
        long offset = 0;
        foreach (var tensor in tensors)
        {
            WriteText(writer, tensor.Name);
            writer.Write((uint)tensor.Shape.Length);
            foreach (var size in tensor.Shape.Reverse())   // the fastest one first
                writer.Write((ulong)size);
            writer.Write((uint)tensor.Type);
            writer.Write((ulong)offset);
            offset = Aligned(offset + tensor.ByteLength);
        }
        Pad(buffer);
        return buffer.ToArray();
    }

    private static GgufValueType? Type(object value) => value switch
    {
        byte => GgufValueType.UInt8,
        sbyte => GgufValueType.Int8,
        ushort => GgufValueType.UInt16,
        short => GgufValueType.Int16,
        uint => GgufValueType.UInt32,
        int => GgufValueType.Int32,
        float => GgufValueType.Float32,
        bool => GgufValueType.Bool,
        string => GgufValueType.String,
        Array => GgufValueType.Array,
        ulong => GgufValueType.UInt64,
        long => GgufValueType.Int64,
        double => GgufValueType.Float64,
        _ => null,
    };

    private static void WriteValue(BinaryWriter writer, object value, string path, string name)
    {
        switch (value)
        {
            case byte number: writer.Write(number); break;
            case sbyte number: writer.Write(number); break;
            case ushort number: writer.Write(number); break;
            case short number: writer.Write(number); break;
            case uint number: writer.Write(number); break;
            case int number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case bool flag: writer.Write(flag); break;
            case string text: WriteText(writer, text); break;
            case ulong number: writer.Write(number); break;
            case long number: writer.Write(number); break;
            case double number: writer.Write(number); break;
            case Array array:
                var element = array.GetType().GetElementType()!;
                if (array.Rank != 1 || (element.IsArray ? GgufValueType.Array : element == typeof(string) ? GgufValueType.String : Type(Activator.CreateInstance(element)!)) is not { } type)
                    throw new CheckpointException($"'{path}' cannot be written: the value '{name}' is an array of {element.Name}, which the format does not know.", path);
                writer.Write((uint)type);
                writer.Write((ulong)array.Length);
                foreach (var item in array)
                    WriteValue(writer, item, path, name);
                break;
        }
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    // rows are encoded by all threads, a piece of the tensor at a time
    private static void WriteRows(Stream stream, GgufTensorToWrite tensor)
    {
        if (tensor.Rows == 0)
            return;
        var rows = (int)Math.Clamp(PieceBytes / tensor.RowBytes, 1, tensor.Rows);
        var piece = new byte[checked(rows * tensor.RowBytes)];
        for (long first = 0; first < tensor.Rows; first += rows)
        {
            var (start, count) = (first, (int)Math.Min(rows, tensor.Rows - first));
            Parallel.For(0, count, () => new float[tensor.RowLength], (row, _, values) =>
            {
                tensor.Row(start + row, values);
                GgufEncoder.Encode(tensor.Type, values, piece.AsSpan(row * tensor.RowBytes, tensor.RowBytes));
                return values;
            }, _ => { });
            stream.Write(piece, 0, count * tensor.RowBytes);
        }
    }

    private static void Pad(Stream stream)
    {
        while (stream.Position % GgufFile.DefaultAlignment != 0)
            stream.WriteByte(0);
    }

    private static long Aligned(long offset) => (offset + GgufFile.DefaultAlignment - 1) / GgufFile.DefaultAlignment * GgufFile.DefaultAlignment;

    private static void RefuseTwins(string path, IReadOnlyList<GgufTensorToWrite> tensors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in tensors)
            if (!names.Add(tensor.Name))
                throw new CheckpointException($"'{path}' cannot be written: two tensors are named '{tensor.Name}'.", path, tensor.Name);
    }
}
