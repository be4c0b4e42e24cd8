namespace LlavaSharp.Quantization;

/// <summary>How far the quantisation of a checkpoint has come.</summary>
/// <param name="Done">Numbers written so far.</param>
/// <param name="Total">Numbers to write.</param>
public readonly record struct QuantizationProgress(long Done, long Total);
