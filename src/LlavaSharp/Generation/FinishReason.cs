namespace LlavaSharp.Generation;

/// <summary>Why an answer ended.</summary>
public enum FinishReason
{
    /// <summary>The model gave its end token.</summary>
    Stop,

    /// <summary>The limit of new tokens, or the end of the context, was reached.</summary>
    Length,

    /// <summary>A stop string appeared.</summary>
    StopString,
}
