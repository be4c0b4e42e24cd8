using System.Runtime.InteropServices;

namespace LlavaSharp.Checkpoints;

/// <summary>A tensor for a writer: a name, a shape, and a callback that gives the bytes when they are due, so that no file need fit in memory.</summary>
public sealed class TensorToWrite
{
    private readonly Action<Stream> _write;

    /// <summary>Creates the tensor.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="dataType">The format of its numbers.</param>
    /// <param name="shape">Its sizes.</param>
    /// <param name="write">Writes its elements, row-major and little-endian: exactly as many bytes as the shape takes.</param>
    /// <exception cref="CheckpointException">A size is negative, or the tensor is too large.</exception>
    public TensorToWrite(string name, StoredDataType dataType, long[] shape, Action<Stream> write)
    {
        (Name, DataType, Shape, _write) = (name, dataType, shape, write);
        ByteLength = TensorShape.ByteLength(shape, dataType)
            ?? throw new CheckpointException($"Tensor '{name}' cannot be written: {TensorShape.Describe(shape)} is no shape.", tensor: name);
    }

    /// <summary>Its name in the file.</summary>
    public string Name { get; }

    /// <summary>The format of its numbers.</summary>
    public StoredDataType DataType { get; }

    /// <summary>Its sizes.</summary>
    public long[] Shape { get; }

    /// <summary>The bytes it takes.</summary>
    public long ByteLength { get; }

    /// <summary>A tensor whose little-endian bytes are at hand.</summary>
    public static TensorToWrite FromBytes(string name, StoredDataType dataType, long[] shape, ReadOnlyMemory<byte> bytes) =>
        new(name, dataType, shape, stream => stream.Write(bytes.Span));

    /// <summary>A tensor of single-precision numbers.</summary>
    public static TensorToWrite FromSingles(string name, long[] shape, ReadOnlyMemory<float> values) =>
        new(name, StoredDataType.Float32, shape, stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));

    /// <summary>A copy of a tensor of another file (which must stay open until this one is written), under the same or another name.</summary>
    public static TensorToWrite FromStored(StoredTensor tensor, string? name = null) =>
        new(name ?? tensor.Name, tensor.DataType, tensor.Shape, tensor.WriteTo);

    /// <summary>Writes the bytes and checks their number.</summary>
    /// <exception cref="CheckpointException">The callback wrote too many bytes or too few.</exception>
    internal void WriteTo(Stream stream)
    {
        var start = stream.Position;
        _write(stream);
        if (stream.Position - start != ByteLength)
            throw new CheckpointException($"Tensor '{Name}' gave {stream.Position - start} bytes where {TensorShape.Describe(Shape)} {DataType.TorchName()} takes {ByteLength}.", tensor: Name);
    }
}
