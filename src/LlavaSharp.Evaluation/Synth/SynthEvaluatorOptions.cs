using LlavaSharp.Data.Synth;

namespace LlavaSharp.Evaluation.Synth;

/// <summary>How a model is examined.</summary>
public sealed record SynthEvaluatorOptions
{
    /// <summary>What it is asked about.</summary>
    public SynthConversationOptions Conversations { get; init; } = new();

    /// <summary>Ask the questions of a conversation one after the other with the model's own answers before them, instead of each in a conversation of its own.</summary>
    public bool KeepConversation { get; init; }

    /// <summary>The index of the first conversation.</summary>
    public long FirstIndex { get; init; }

    /// <summary>Told of every answer, in order.</summary>
    public Action<SynthOutcome>? Answered { get; init; }
}
