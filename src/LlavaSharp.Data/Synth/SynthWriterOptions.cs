namespace LlavaSharp.Data.Synth;

/// <summary>How a data set of the synthetic world is written.</summary>
public sealed record SynthWriterOptions
{
    /// <summary>What the conversations and scenes look like.</summary>
    public SynthConversationOptions Conversations { get; init; } = new();

    /// <summary>How the pictures are written.</summary>
    public SynthPictureFormat Format { get; init; } = SynthPictureFormat.Mixed;

    /// <summary>How many threads draw and write pictures; 0 for one per processor. The files do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>The index of the first conversation, so that a set can be made in parts.</summary>
    public long FirstIndex { get; init; }

    /// <summary>Told how many conversations are written so far; may be called from any thread.</summary>
    public Action<int>? Progress { get; init; }
}
