namespace LlavaSharp.Training;

/// <summary>One turn of a training conversation.</summary>
/// <param name="From">Who speaks: <c>human</c> or <c>gpt</c>.</param>
/// <param name="Value">What is said; <c>&lt;image&gt;</c> marks the picture.</param>
public sealed record ConversationTurn(string From, string Value);
