using LlavaSharp.Data.Synth;

namespace LlavaSharp.Evaluation.Synth;

/// <summary>One question, what the model said and whether that was right.</summary>
/// <param name="Conversation">The index of the conversation.</param>
/// <param name="Question">The question and the right answer.</param>
/// <param name="Answer">What the model said.</param>
/// <param name="IsRight">Whether it was right.</param>
public sealed record SynthOutcome(long Conversation, SynthQuestion Question, string Answer, bool IsRight);
