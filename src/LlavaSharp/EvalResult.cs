using LlavaSharp.Generation;

namespace LlavaSharp;

/// <summary>What came of one question to a freshly loaded model.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Template">The conversation template that was used.</param>
/// <param name="Generation">The answer, its ids and times; reading the picture files counts as time for pictures.</param>
/// <param name="LoadSeconds">How long loading the model took.</param>
public sealed record EvalResult(string Model, string Template, GenerationResult Generation, double LoadSeconds);
