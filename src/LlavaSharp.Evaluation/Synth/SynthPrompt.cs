using LlavaSharp.Data.Synth;

namespace LlavaSharp.Evaluation.Synth;

/// <summary>What a model is asked.</summary>
/// <param name="Picture">The picture, or null when there is none.</param>
/// <param name="History">Earlier questions of the conversation with the model's own answers; empty when questions are asked directly.</param>
/// <param name="Question">The question, without the picture's marker.</param>
public sealed record SynthPrompt(SynthPicture? Picture, IReadOnlyList<(string Question, string Answer)> History, string Question);
