namespace LlavaSharp.Serving.Protocol;

/// <summary>A worker cannot be reached, fell silent, or answered something else than the protocol says.</summary>
internal sealed class WorkerException(string message, Exception? innerException = null) : LlavaException(message, innerException);
