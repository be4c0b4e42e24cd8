using System.Runtime.InteropServices;

namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>A tensor of a GGUF file as single-precision numbers, restored when it is first touched.</summary>
/// <param name="tensor">As it is stored.</param>
/// <param name="heads">For the rows of queries and keys: how many heads; 0 leaves the rows where they are.</param>
/// <param name="path">The file.</param>
internal sealed unsafe class GgufTensorMemory(GgufTensor tensor, int heads, string path) : TensorMemory
{
    private readonly Lock _lock = new();
    private float* _values;
    private bool _disposed;

    public override string Path { get; } = path;

    public override long Length => tensor.Rows * tensor.RowLength * sizeof(float);

    public override byte* Pointer
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_values == null)
                    _values = Restore();
                return (byte*)_values;
            }
        }
    }

    public override void Dispose()
    {
        lock (_lock)
        {
            NativeMemory.AlignedFree(_values);
            _values = null;
            _disposed = true;
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what nobody disposed.</summary>
    ~GgufTensorMemory() => NativeMemory.AlignedFree(_values);

    private float* Restore()
    {
        var values = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(Length, 1), 64);
        if (heads > 0 && tensor.Shape.Length == 1)
            RestoreBias(new((float*)values, tensor.RowLength));
        else
            Parallel.For(0L, tensor.Rows, row =>
                tensor.Dequantize(heads == 0 ? row : GgufRows.InFile(row, tensor.Rows / heads), new Span<float>((float*)values + row * tensor.RowLength, tensor.RowLength)));
        return (float*)values;
    }

    // one number for each row of the matrix, in the order of the rows
    private void RestoreBias(Span<float> values)
    {
        var stored = new float[values.Length];
        tensor.Dequantize(0, stored);
        for (var i = 0; i < values.Length; i++)
            values[i] = stored[GgufRows.InFile(i, values.Length / heads)];
    }
}
