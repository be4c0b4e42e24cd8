namespace LlavaSharp.Checkpoints;

/// <summary>A checkpoint that cannot be read: which file, which tensor, and what to do.</summary>
public sealed class CheckpointException : LlavaException
{
    /// <summary>Creates the error.</summary>
    public CheckpointException(string message, string? file = null, string? tensor = null, Exception? innerException = null)
        : base(message, innerException) => (File, Tensor) = (file, tensor);

    /// <summary>The file at fault, if it is one.</summary>
    public string? File { get; }

    /// <summary>The tensor at fault, if it is one.</summary>
    public string? Tensor { get; }
}
