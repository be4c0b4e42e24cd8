namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>A tensor as it lies in a GGUF file.</summary>
internal sealed unsafe class GgufTensor
{
    private readonly TensorMemory _memory;
    private readonly long _offset;

    /// <summary>The caller has checked that the tensor lies inside the memory, and that rows are whole blocks.</summary>
    public GgufTensor(string name, GgufType type, long[] shape, TensorMemory memory, long offset)
    {
        (Name, Type, Shape, _memory, _offset) = (name, type, shape, memory, offset);
        var (values, bytes) = GgufTypes.Block(type)!.Value;
        RowLength = shape.Length == 0 ? 1 : checked((int)shape[^1]);
        RowBytes = RowLength / values * (long)bytes;
        Rows = RowLength == 0 ? 0 : TensorShape.ElementCount(shape)!.Value / RowLength;
    }

    /// <summary>Its name in the file, such as <c>blk.0.attn_q.weight</c>.</summary>
    public string Name { get; }

    /// <summary>How it is stored.</summary>
    public GgufType Type { get; }

    /// <summary>Its sizes, the fastest one last (the file lists it first).</summary>
    public long[] Shape { get; }

    /// <summary>Values of one row.</summary>
    public int RowLength { get; }

    /// <summary>Rows: the product of all sizes but the last.</summary>
    public long Rows { get; }

    /// <summary>Bytes of one row.</summary>
    public long RowBytes { get; }

    /// <summary>The stored blocks of a row; valid while the file is open.</summary>
    public ReadOnlySpan<byte> Row(long row) => new(_memory.Pointer + _offset + row * RowBytes, checked((int)RowBytes));

    /// <summary>The numbers of a row.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="values">Room for <see cref="RowLength"/>.</param>
    public void Dequantize(long row, Span<float> values) => GgufTypes.Dequantize(Type, Row(row), values);

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {TensorShape.Describe(Shape)} {Type}";
}
