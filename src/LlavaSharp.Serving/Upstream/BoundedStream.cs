namespace LlavaSharp.Serving.Upstream;

/// <summary>Reads another stream, and no more than a number of bytes between two calls of <see cref="Restart"/>: a line without an end fills no memory.</summary>
internal sealed class BoundedStream(Stream inner, int most) : Stream
{
    private int _count;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Counts from 0 again.</summary>
    public void Restart() => _count = 0;

    /// <exception cref="UpstreamException">More came.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Count(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

    /// <exception cref="UpstreamException">More came.</exception>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <exception cref="UpstreamException">More came.</exception>
    public override int Read(byte[] buffer, int offset, int count) => Count(inner.Read(buffer, offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int Count(int read) => (_count += read) <= most ? read
        : throw new UpstreamException(UpstreamProblem.Garbled, $"The upstream sent an event of more than {most:N0} bytes.");
}
