namespace LlavaSharp.Serving.Web;

/// <summary>A question and its answer, as the chat shows them.</summary>
/// <param name="Number">Which turn, from 0; what <see cref="WebConversation.EditAsync"/> is given.</param>
/// <param name="Question">What the user said, without the markers of pictures.</param>
/// <param name="Pictures">The pictures of the question.</param>
/// <param name="Answer">What the model says, with the cursor <c>▌</c> behind it while it is written; or the original's text for a failure; null: still to be asked for.</param>
/// <param name="IsBeingWritten">Whether the answer is not finished.</param>
public sealed record WebTurn(int Number, string Question, IReadOnlyList<WebPicture> Pictures, string? Answer, bool IsBeingWritten)
{
    /// <summary>What stands behind a text that is being written.</summary>
    public const string Cursor = "▌";

    /// <summary>The answer without its cursor.</summary>
    public string? AnswerText => IsBeingWritten && Answer is not null && Answer.EndsWith(Cursor, StringComparison.Ordinal) ? Answer[..^Cursor.Length] : Answer;

    /// <summary>What went wrong with the answer, or null.</summary>
    public WebFailure? Failure { get; init; }

    /// <summary>The text that came before the answer failed, or null.</summary>
    public string? PartialAnswer { get; init; }

    /// <summary>What the answer took; null where none was asked for.</summary>
    public WebStatistics? Statistics { get; init; }

    /// <summary>The model that answered, or null.</summary>
    public string? Model { get; init; }

    /// <summary>What the user thinks of the answer; null: nothing was said.</summary>
    public WebVote? Vote { get; init; }
}
