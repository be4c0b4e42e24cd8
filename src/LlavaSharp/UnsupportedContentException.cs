namespace LlavaSharp;

/// <summary>A message, content or option of a chat request that this model cannot take; the message names it.</summary>
public sealed class UnsupportedContentException : LlavaException
{
    /// <summary>Creates the error; <paramref name="what"/> is the name of what is not supported, such as "TextReasoningContent".</summary>
    public UnsupportedContentException(string what, string message)
        : base(message) => What = what;

    /// <summary>The name of what is not supported.</summary>
    public string What { get; }
}
