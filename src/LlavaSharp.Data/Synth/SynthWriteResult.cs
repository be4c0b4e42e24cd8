namespace LlavaSharp.Data.Synth;

/// <summary>What <see cref="SynthWriter"/> wrote.</summary>
/// <param name="DatasetFile">The list of conversations in LLaVA's format.</param>
/// <param name="QuestionsFile">The questions one a line, for evaluation.</param>
/// <param name="Conversations">How many conversations.</param>
/// <param name="Pictures">How many of them have a picture.</param>
/// <param name="Questions">How many lines the questions' file has.</param>
public sealed record SynthWriteResult(string DatasetFile, string QuestionsFile, int Conversations, int Pictures, int Questions);
