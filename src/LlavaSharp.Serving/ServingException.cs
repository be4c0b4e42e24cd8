namespace LlavaSharp.Serving;

/// <summary>A server cannot be started.</summary>
public sealed class ServingException : LlavaException
{
    /// <summary>Creates the error with its message and, if there is one, the error behind it.</summary>
    public ServingException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
