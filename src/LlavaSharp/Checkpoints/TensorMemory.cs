namespace LlavaSharp.Checkpoints;

/// <summary>Bytes outside the reach of the garbage collector: a mapped file, or a pinned array.</summary>
internal abstract unsafe class TensorMemory : IDisposable
{
    /// <summary>The file, or a word for what is no file.</summary>
    public abstract string Path { get; }

    /// <summary>The number of bytes.</summary>
    public abstract long Length { get; }

    /// <summary>The first byte.</summary>
    /// <exception cref="ObjectDisposedException">The owner was disposed.</exception>
    public abstract byte* Pointer { get; }

    /// <summary>A run of bytes that the caller has checked to lie inside.</summary>
    public ReadOnlySpan<byte> Span(long offset, int length) => new(Pointer + offset, length);

    /// <inheritdoc/>
    public abstract void Dispose();
}
