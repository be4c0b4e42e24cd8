using LlavaSharp.Imaging;

namespace LlavaSharp.Serving.Sglang;

/// <summary>What an SGLang back end is asked to do: texts and pictures in their order, and one step of generation behind them.</summary>
/// <param name="Parts">The texts and pictures.</param>
/// <param name="MaxTokens">The most tokens of the step.</param>
/// <param name="Temperature">0: always the most probable token.</param>
/// <param name="TopP">Sample only from the most probable tokens that together reach this probability.</param>
public sealed record SglangProgram(IReadOnlyList<SglangProgram.Part> Parts, int MaxTokens, double Temperature, double TopP)
{
    /// <summary>A text or a picture.</summary>
    /// <param name="Text">The text; null where it is a picture.</param>
    /// <param name="Picture">The picture; null where it is a text.</param>
    public readonly record struct Part(string? Text, Image? Picture);
}
