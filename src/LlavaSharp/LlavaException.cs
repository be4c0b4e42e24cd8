namespace LlavaSharp;

/// <summary>The base of every error that this library raises on purpose: the message says what was wrong, where, and what to do.</summary>
public class LlavaException : Exception
{
    /// <summary>Creates the error with its message and, if there is one, the error behind it.</summary>
    public LlavaException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
