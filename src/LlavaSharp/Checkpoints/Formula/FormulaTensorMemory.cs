using System.Runtime.InteropServices;

namespace LlavaSharp.Checkpoints.Formula;

/// <summary>A half-precision tensor whose values come from a formula, computed when it is first touched.</summary>
internal sealed unsafe class FormulaTensorMemory(string name, long[] shape, uint salt) : TensorMemory
{
    private const int Piece = 1 << 18;   // elements that one thread computes at a time
    private readonly Lock _lock = new();
    private readonly long _count = TensorShape.ElementCount(shape)!.Value;
    private Half* _values;
    private bool _disposed;

    /// <inheritdoc/>
    public override string Path => "formula";

    /// <inheritdoc/>
    public override long Length => _count * sizeof(Half);

    /// <inheritdoc/>
    public override byte* Pointer
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_values == null)
                    _values = Compute();
                return (byte*)_values;
            }
        }
    }

    /// <summary>Gives the memory back until the tensor is touched again; pointers to it are invalid.</summary>
    public void Release()
    {
        lock (_lock)
        {
            NativeMemory.AlignedFree(_values);
            _values = null;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        lock (_lock)
        {
            Release();
            _disposed = true;
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what nobody disposed.</summary>
    ~FormulaTensorMemory() => NativeMemory.AlignedFree(_values);

    private Half* Compute()
    {
        var values = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(Length, 1), 64);
        Parallel.For(0L, (_count + Piece - 1) / Piece, piece =>
        {
            var first = piece * Piece;
            FormulaNumbers.Weights(name, shape, salt, first, new Span<Half>((Half*)values + first, (int)Math.Min(Piece, _count - first)));
        });
        return (Half*)values;
    }
}
