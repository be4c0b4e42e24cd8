namespace LlavaSharp.Training;

/// <summary>Where conversations come from: a file, or a generator that never ends. Safe for concurrent use.</summary>
public interface IConversationSource
{
    /// <summary>How many there are; null when they never end.</summary>
    long? Count { get; }

    /// <summary>One conversation; the same index always gives the same one.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1, or any number from 0 up.</param>
    ConversationSample Get(long index);

    /// <summary>About how long a conversation is, in words; cheap, for batches of samples of like length.</summary>
    /// <param name="index">As for <see cref="Get"/>.</param>
    int EstimateLength(long index);
}
