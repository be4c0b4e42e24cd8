namespace LlavaSharp.Data.Synth;

/// <summary>A question with its only right answer.</summary>
/// <param name="Type">What it is about.</param>
/// <param name="Text">The question as it is asked, the sentence that wants a short answer included.</param>
/// <param name="Answer">The answer: bare lower-case words, or a sentence for <see cref="SynthQuestionType.Refusal"/> and <see cref="SynthQuestionType.OutOfWorld"/>.</param>
/// <param name="Subject">What it names first, if anything.</param>
/// <param name="Other">What it compares that with, if anything.</param>
public sealed record SynthQuestion(SynthQuestionType Type, string Text, string Answer, SynthReference? Subject = null, SynthReference? Other = null);
