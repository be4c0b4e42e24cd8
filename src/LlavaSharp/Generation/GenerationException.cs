namespace LlavaSharp.Generation;

/// <summary>Text cannot be generated: an option is out of range, or the model's numbers are not usable.</summary>
public sealed class GenerationException : LlavaException
{
    /// <summary>Creates the error.</summary>
    public GenerationException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
