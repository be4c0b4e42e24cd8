namespace LlavaSharp.Prompts;

/// <summary>A conversation that its template cannot turn into a prompt; the message says which message and what to do.</summary>
public class PromptException : LlavaException
{
    /// <summary>Creates the error; <paramref name="messageIndex"/> counts from 0.</summary>
    public PromptException(string message, int? messageIndex = null, Exception? innerException = null)
        : base(message, innerException) => MessageIndex = messageIndex;

    /// <summary>The message at fault, counted from 0, if it is one.</summary>
    public int? MessageIndex { get; }
}
