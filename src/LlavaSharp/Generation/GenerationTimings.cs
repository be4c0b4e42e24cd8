namespace LlavaSharp.Generation;

/// <summary>Where the time of one answer went, in seconds.</summary>
/// <param name="Image">Preparing and encoding the pictures.</param>
/// <param name="Prefill">Computing the prompt.</param>
/// <param name="Decode">Computing the answer, one token at a time.</param>
public sealed record GenerationTimings(double Image, double Prefill, double Decode);
