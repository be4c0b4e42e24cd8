namespace LlavaSharp.Serving.Web;

/// <summary>What went wrong, for people.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Message">What, where, and what to do.</param>
/// <param name="OriginalText">The text that the original shows in the answer's or the text box's place; null where it shows none.</param>
/// <param name="ErrorCode">The worker's code (<see cref="WebFailureKind.WorkerError"/>), or null.</param>
public sealed record WebFailure(WebFailureKind Kind, string Message, string? OriginalText = null, int? ErrorCode = null);
