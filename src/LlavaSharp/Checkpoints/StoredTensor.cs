using System.Runtime.InteropServices;

namespace LlavaSharp.Checkpoints;

/// <summary>A tensor as it lies in its file: a name, a shape, and bytes in mapped memory. Nothing is converted or copied.</summary>
public sealed unsafe class StoredTensor
{
    private readonly TensorMemory _memory;
    private readonly long _offset;

    /// <summary>The caller has checked that <paramref name="byteLength"/> bytes at <paramref name="offset"/> lie inside the memory.</summary>
    internal StoredTensor(string name, StoredDataType dataType, long[] shape, long[]? strides, string file, TensorMemory memory, long offset, long byteLength)
    {
        (Name, DataType, Shape, Strides, File, ByteLength) = (name, dataType, shape, strides, file, byteLength);
        (_memory, _offset) = (memory, offset);
        ElementCount = 1;
        foreach (var size in shape)
            ElementCount *= size;
    }

    /// <summary>The tensor's name in the file.</summary>
    public string Name { get; }

    /// <summary>The format of its numbers.</summary>
    public StoredDataType DataType { get; }

    /// <summary>Its sizes; empty for a single number.</summary>
    public long[] Shape { get; }

    /// <summary>Steps in elements, one a dimension; null when the elements follow each other in row-major order.</summary>
    public long[]? Strides { get; }

    /// <summary>The file that holds it.</summary>
    public string File { get; }

    /// <summary>The number of bytes from its first element to its last, inclusive (gaps of a non-contiguous view included).</summary>
    public long ByteLength { get; }

    /// <summary>The number of elements.</summary>
    public long ElementCount { get; }

    /// <summary>Whether the elements follow each other in row-major order.</summary>
    public bool IsContiguous => Strides is null;

    /// <summary>Whether the first element lies on a multiple of its size; files need not care, vector instructions may.</summary>
    public bool IsAligned => (nuint)Pointer % (nuint)DataType.Size() == 0;

    /// <summary>The first element, in mapped memory that may only be read; valid while the reader that owns it lives.</summary>
    /// <exception cref="ObjectDisposedException">The reader was disposed.</exception>
    public byte* Pointer => _memory.Pointer + _offset;

    /// <summary>The bytes of a tensor of less than 2 GB; valid while the reader that owns it lives.</summary>
    /// <exception cref="CheckpointException">The tensor is larger.</exception>
    /// <exception cref="ObjectDisposedException">The reader was disposed.</exception>
    public ReadOnlySpan<byte> Bytes => ByteLength <= int.MaxValue
        ? new(Pointer, (int)ByteLength)
        : throw new CheckpointException($"Tensor '{Name}' of '{File}' has {ByteLength} bytes, too many for one span: read it through its pointer.", File, Name);

    /// <summary>A tensor over a copy of contiguous little-endian bytes, for values that were computed.</summary>
    /// <exception cref="CheckpointException">The shape and the number of bytes disagree.</exception>
    public static StoredTensor FromBytes(string name, StoredDataType dataType, long[] shape, ReadOnlySpan<byte> bytes)
    {
        if (TensorShape.ByteLength(shape, dataType) != bytes.Length)
            throw new CheckpointException($"Tensor '{name}': {TensorShape.Describe(shape)} {dataType.TorchName()} does not take {bytes.Length} bytes.", tensor: name);
        return new(name, dataType, shape, null, "memory", new PinnedMemory(bytes), 0, bytes.Length);
    }

    /// <summary>The same tensor under another name.</summary>
    public StoredTensor WithName(string name) => new(name, DataType, Shape, Strides, File, _memory, _offset, ByteLength);

    /// <summary>The values, in row-major order, as single-precision numbers: for small tensors.</summary>
    /// <exception cref="CheckpointException">The tensor is too large for one array.</exception>
    public float[] ToSingles()
    {
        if (ElementCount > Array.MaxLength)
            throw new CheckpointException($"Tensor '{Name}' of '{File}' has {ElementCount} elements, too many for one array.", File, Name);
        var values = new float[ElementCount];
        var size = DataType.Size();
        var first = Pointer;
        var i = 0;
        foreach (var position in new ElementPositions(Shape, Strides))
            values[i++] = ReadSingle(first + position * size, DataType);
        return values;
    }

    /// <summary>The values of one row (the last dimension) as single-precision numbers.</summary>
    /// <param name="row">Its number among the rows of all other dimensions.</param>
    /// <param name="values">Room for as many values as the last dimension has.</param>
    internal void ReadRow(long row, Span<float> values)
    {
        long start = 0, step = 1;
        if (Strides is null)
            start = row * values.Length;
        else if (Strides.Length > 0)
        {
            step = Strides[^1];
            for (var dimension = Shape.Length - 2; dimension >= 0; row /= Shape[dimension--])
                start += row % Shape[dimension] * Strides[dimension];
        }
        var size = DataType.Size();
        var first = Pointer + start * size;
        if (DataType == StoredDataType.Float16 && step == 1)
        {
            var halves = new ReadOnlySpan<Half>(first, values.Length);
            for (var i = 0; i < values.Length; i++)
                values[i] = (float)halves[i];
            return;
        }
        for (var i = 0; i < values.Length; i++)
            values[i] = ReadSingle(first + i * step * size, DataType);
    }

    /// <summary>Writes the elements in row-major order to a stream, in pieces.</summary>
    public void WriteTo(Stream stream)
    {
        const int PieceBytes = 1 << 22;
        if (Strides is null)
        {
            for (long done = 0; done < ByteLength; done += PieceBytes)
                stream.Write(new ReadOnlySpan<byte>(Pointer + done, (int)Math.Min(PieceBytes, ByteLength - done)));
            return;
        }
        var size = DataType.Size();
        var piece = new byte[(int)Math.Min(PieceBytes, ElementCount * size)];
        var filled = 0;
        foreach (var position in new ElementPositions(Shape, Strides))
        {
            new ReadOnlySpan<byte>(Pointer + position * size, size).CopyTo(piece.AsSpan(filled));
            filled += size;
            if (filled == piece.Length)
            {
                stream.Write(piece);
                filled = 0;
            }
        }
        stream.Write(piece, 0, filled);
    }

    /// <summary>The row-major index of the first element that is infinite or not a number, or -1; integers are always finite.</summary>
    public long FindNonFinite() => NonFiniteScan.Find(this);

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {TensorShape.Describe(Shape)} {DataType.TorchName()}";

    internal static float ReadSingle(byte* at, StoredDataType type)
    {
        var bytes = new ReadOnlySpan<byte>(at, type.Size());
        return type switch
        {
            StoredDataType.Float32 => MemoryMarshal.Read<float>(bytes),
            StoredDataType.Float16 => (float)MemoryMarshal.Read<Half>(bytes),
            StoredDataType.BFloat16 => BitConverter.UInt32BitsToSingle((uint)MemoryMarshal.Read<ushort>(bytes) << 16),
            StoredDataType.Float64 => (float)MemoryMarshal.Read<double>(bytes),
            StoredDataType.Int64 => MemoryMarshal.Read<long>(bytes),
            StoredDataType.Int32 => MemoryMarshal.Read<int>(bytes),
            StoredDataType.Int16 => MemoryMarshal.Read<short>(bytes),
            StoredDataType.Int8 => (sbyte)*at,
            _ => *at,
        };
    }
}
