namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>A tensor for <see cref="GgufWriter"/>: a name, a shape, and its rows when they are due, so that no file need fit in memory.</summary>
internal sealed class GgufTensorToWrite
{
    /// <summary>Creates the tensor.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="type">How it is stored: one that <see cref="GgufEncoder"/> writes.</param>
    /// <param name="shape">Its sizes, the fastest one last.</param>
    /// <param name="row">Gives the numbers of a row (the fastest dimension) by its number; called from several threads.</param>
    /// <exception cref="CheckpointException">The shape is none, rows are no whole blocks, or the type is not written.</exception>
    public GgufTensorToWrite(string name, GgufType type, long[] shape, ReadRow row)
    {
        (Name, Type, Shape, Row) = (name, type, shape, row);
        if (!GgufEncoder.Writes(type))
            throw new CheckpointException($"Tensor '{name}' cannot be written as {type}; {string.Join(", ", GgufEncoder.Types)} are written.", tensor: name);
        var (values, bytes) = GgufTypes.Block(type)!.Value;
        RowLength = shape.Length == 0 ? 1 : (int)Math.Min(shape[^1], int.MaxValue);
        if (TensorShape.ElementCount(shape) is not { } count || shape.Length > GgufFile.MaxDimensions || count > 0 && (RowLength % values != 0 || shape.Length > 0 && shape[^1] != RowLength))
            throw new CheckpointException($"Tensor '{name}' of the shape {TensorShape.Describe(shape)} cannot be written as {type}, whose blocks are {values} values of a row.", tensor: name);
        Rows = count == 0 ? 0 : count / RowLength;
        RowBytes = RowLength / values * bytes;
    }

    /// <summary>Writes the numbers of a row.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="values">Room for all of them.</param>
    public delegate void ReadRow(long row, Span<float> values);

    /// <summary>Its name in the file.</summary>
    public string Name { get; }

    /// <summary>How it is stored.</summary>
    public GgufType Type { get; }

    /// <summary>Its sizes, the fastest one last.</summary>
    public long[] Shape { get; }

    /// <summary>Gives the numbers of a row.</summary>
    public ReadRow Row { get; }

    /// <summary>Values of one row.</summary>
    public int RowLength { get; }

    /// <summary>Rows: the product of all sizes but the last.</summary>
    public long Rows { get; }

    /// <summary>Bytes of one row.</summary>
    public int RowBytes { get; }

    /// <summary>The bytes it takes.</summary>
    public long ByteLength => Rows * RowBytes;

    /// <summary>Called when the tensor is written, to give its source's memory back; null: nothing to do.</summary>
    public Action? Written { get; init; }
}
