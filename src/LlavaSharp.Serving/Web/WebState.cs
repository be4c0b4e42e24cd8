namespace LlavaSharp.Serving.Web;

/// <summary>What a page is to show now. It never changes; the next event gives another one.</summary>
/// <param name="Turns">The chat, oldest first.</param>
/// <param name="Buttons">What becomes of the buttons.</param>
public sealed record WebState(IReadOnlyList<WebTurn> Turns, WebButtons Buttons)
{
    /// <summary>The new content of the text box; null: as it is.</summary>
    public string? TextBox { get; init; }

    /// <summary>Whether the pictures beside the text box are to be taken away.</summary>
    public bool ClearsPictures { get; init; }

    /// <summary>Why the event had no effect, or why the answer failed; null: all is well.</summary>
    public WebFailure? Failure { get; init; }

    /// <summary>What the running or last answer took, or null.</summary>
    public WebStatistics? Statistics { get; init; }

    /// <summary>How many answers of other users run or wait before this one, while it waits; else null.</summary>
    public int? AnswersAhead { get; init; }

    /// <summary>How many characters of the message were cut off, as it was too long (1536 characters, 1200 with a picture).</summary>
    public int CharactersCutOff { get; init; }

    /// <summary>Whether there is nothing to generate: <see cref="WebConversation.AnswerAsync"/> would give this state once more.</summary>
    public bool HasNothingToAnswer { get; init; }
}
