using LlavaSharp.Prompts;

namespace LlavaSharp.Serving.Web;

/// <summary>A question and its answer, as they go into the conversation.</summary>
/// <param name="Text">The question with the markers of its pictures.</param>
/// <param name="Pictures">The pictures.</param>
/// <param name="ImageProcessMode">How they are made fit.</param>
/// <param name="IsAnnounced">Whether the template puts the marker of the one picture in front of the text, wherever it stands in it (the original's form).</param>
internal sealed record ConversationTurn(string Text, IReadOnlyList<WebPicture> Pictures, string ImageProcessMode, bool IsAnnounced)
{
    /// <summary>The answer; null: none was asked for.</summary>
    public string? Answer { get; init; }

    /// <summary>Whether the answer is not finished.</summary>
    public bool IsBeingWritten { get; init; }

    /// <summary>What went wrong.</summary>
    public WebFailure? Failure { get; init; }

    /// <summary>The text that came before it went wrong.</summary>
    public string? PartialAnswer { get; init; }

    /// <summary>What the answer took.</summary>
    public WebStatistics? Statistics { get; init; }

    /// <summary>The model.</summary>
    public string? Model { get; init; }

    /// <summary>What the user thinks of it.</summary>
    public WebVote? Vote { get; init; }

    /// <summary>The question alone.</summary>
    public ConversationTurn WithoutAnswer() => new(Text, Pictures, ImageProcessMode, IsAnnounced);

    /// <summary>As the chat shows it.</summary>
    public WebTurn Show(int number) =>
        new(number, Pictures.Count == 0 ? Text : PythonText.Strip(ConversationText.WithoutMarkers(Text)), Pictures, Answer, IsBeingWritten)
        {
            Failure = Failure,
            PartialAnswer = PartialAnswer,
            Statistics = Statistics,
            Model = Model,
            Vote = Vote,
        };
}
