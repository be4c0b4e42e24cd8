namespace LlavaSharp.Generation.Batching;

/// <summary>A request is not answered because too many others are; asking again later helps.</summary>
public sealed class EngineBusyException : LlavaException
{
    /// <summary>Creates the error.</summary>
    public EngineBusyException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
