namespace LlavaSharp.Serving.Web;

/// <summary>What the moderation service says to a text.</summary>
/// <param name="IsFlagged">Whether it objects. A service that cannot be asked objects to nothing, as in the original.</param>
/// <param name="Problem">Why it could not be asked, or what is wrong with its answer; null: nothing.</param>
public sealed record ModerationResult(bool IsFlagged, string? Problem = null);
