namespace LlavaSharp.Benchmarking.Peer;

/// <summary>The other program cannot be installed, started or used: what was wrong and what to do.</summary>
public sealed class PeerException : LlavaException
{
    /// <summary>Creates the error.</summary>
    public PeerException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
