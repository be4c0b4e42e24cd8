namespace LlavaSharp.Serving.Protocol;

/// <summary>Cuts a stream of bytes at its zero bytes, wherever the network cut it before.</summary>
/// <param name="limit">The most bytes of a frame.</param>
internal sealed class FrameSplitter(int limit = FrameSplitter.DefaultLimit)
{
    /// <summary>More than any answer needs: a frame repeats the prompt and the whole text.</summary>
    public const int DefaultLimit = 16 << 20;

    private readonly List<byte> _rest = [];

    /// <summary>The frames that these bytes complete; empty ones are left out.</summary>
    /// <exception cref="ProtocolException">A frame is longer than the limit.</exception>
    public IReadOnlyList<byte[]> Add(ReadOnlySpan<byte> bytes)
    {
        var frames = new List<byte[]>();
        while (bytes.IndexOf((byte)0) is >= 0 and var end)
        {
            Keep(bytes[..end]);
            if (Finish() is { } frame)
                frames.Add(frame);
            bytes = bytes[(end + 1)..];
        }
        Keep(bytes);
        return frames;
    }

    /// <summary>What stands behind the last zero byte, or null.</summary>
    public byte[]? Finish()
    {
        if (_rest.Count == 0)
            return null;
        var frame = _rest.ToArray();
        _rest.Clear();
        return frame;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > limit - _rest.Count)
            throw new ProtocolException($"A frame of the stream is longer than {limit:N0} bytes.");
        _rest.AddRange(bytes);
    }
}
