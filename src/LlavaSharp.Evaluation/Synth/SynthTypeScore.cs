using LlavaSharp.Data.Synth;

namespace LlavaSharp.Evaluation.Synth;

/// <summary>How a model did on one type of question.</summary>
/// <param name="Type">The type.</param>
/// <param name="Right">How many answers were right.</param>
/// <param name="Asked">How many were asked.</param>
public readonly record struct SynthTypeScore(SynthQuestionType Type, int Right, int Asked)
{
    /// <summary>The share that was right, 0 to 1; 0 when none was asked.</summary>
    public double Share => Asked == 0 ? 0 : (double)Right / Asked;
}
