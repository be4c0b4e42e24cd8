namespace LlavaSharp;

/// <summary>A prompt that does not fit the model's context.</summary>
public sealed class ContextLengthException : LlavaException
{
    /// <summary>Creates the error with the lengths, in positions (an image counts one per feature).</summary>
    public ContextLengthException(int promptLength, int contextLength)
        : base($"The prompt takes {promptLength} positions (pictures included), but the model's context has {contextLength}, and the answer needs at least one. Shorten the text, or give fewer or smaller pictures.")
        => (PromptLength, ContextLength) = (promptLength, contextLength);

    /// <summary>The number of positions that the prompt takes after the merge.</summary>
    public int PromptLength { get; }

    /// <summary>The number of positions that the model was made for.</summary>
    public int ContextLength { get; }
}
