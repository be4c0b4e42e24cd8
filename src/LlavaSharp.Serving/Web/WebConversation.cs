using LlavaSharp.Prompts;

namespace LlavaSharp.Serving.Web;

/// <summary>
/// The chat of one browser tab, without a user interface: every event gives the state that the page is to show. Made by <see cref="WebConversations.Open"/>.
/// Nothing that goes wrong outside is thrown: it stands in <see cref="WebState.Failure"/>.
/// </summary>
/// <remarks>Safe for concurrent use: an event during an answer is refused (<see cref="WebFailureKind.Busy"/>), but <see cref="Stop"/> is not.</remarks>
public sealed class WebConversation
{
    internal WebConversation()
    {
    }

    /// <summary>The state that the last event gave.</summary>
    public WebState State => throw new NotImplementedException();

    /// <summary>Whether an answer is being generated, or waits to be.</summary>
    public bool IsAnswering => throw new NotImplementedException();

    /// <summary>A copy of the conversation behind the chat, with its template.</summary>
    public Conversation GetConversation() => throw new NotImplementedException();

    /// <summary>The page was loaded: a new conversation, and the models.</summary>
    /// <param name="model">The model that the page's address asks for (<c>?model=</c>), or null.</param>
    /// <param name="cancellation">Gives up.</param>
    public Task<WebPageLoad> LoadAsync(string? model = null, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>The user sends a message; <see cref="AnswerAsync"/> then answers it.</summary>
    /// <param name="text">
    /// The text; behind 1536 characters (1200 with a picture) it is cut off. An <c>&lt;image&gt;</c> in it says where a picture belongs; those without one stand in front.
    /// </param>
    /// <param name="pictures">The pictures; null: none.</param>
    /// <param name="imageProcessMode"><c>Crop</c>, <c>Resize</c>, <c>Pad</c> or <c>Default</c> (<see cref="Imaging.ConversationImage.Modes"/>).</param>
    /// <param name="cancellation">Gives up; the conversation is as before.</param>
    /// <exception cref="UnknownNameException">There is no such mode.</exception>
    public Task<WebState> AddTextAsync(string text, IReadOnlyList<WebPicture>? pictures = null, string imageProcessMode = "Default", CancellationToken cancellation = default) =>
        throw new NotImplementedException();

    /// <summary>The user changes an earlier message: what came after it is forgotten; <see cref="AnswerAsync"/> then answers it.</summary>
    /// <param name="turn">Which (<see cref="WebTurn.Number"/>).</param>
    /// <param name="text">The new text.</param>
    /// <param name="pictures">The new pictures; null: those that it has.</param>
    /// <param name="imageProcessMode">See <see cref="AddTextAsync"/>; null: as before.</param>
    /// <param name="cancellation">Gives up; the conversation is as before.</param>
    /// <exception cref="UnknownNameException">There is no such mode.</exception>
    public Task<WebState> EditAsync(int turn, string text, IReadOnlyList<WebPicture>? pictures = null, string? imageProcessMode = null, CancellationToken cancellation = default) =>
        throw new NotImplementedException();

    /// <summary>
    /// Asks for the answer and gives a state whenever there is more of it; the last one has the buttons enabled or a failure. Stopped by <see cref="Stop"/>, the answer
    /// keeps the text that came until then; so it does when cancelled, but then no last state is given.
    /// </summary>
    /// <param name="parameters">Which model, and how.</param>
    /// <param name="cancellation">The tab was closed.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IAsyncEnumerable<WebState> AnswerAsync(WebParameters parameters, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Stops the running answer, if there is one; <see cref="AnswerAsync"/> then gives its last state. Returns at once.</summary>
    public void Stop() => throw new NotImplementedException();

    /// <summary>Takes the last answer back; <see cref="AnswerAsync"/> then gives another one.</summary>
    /// <param name="imageProcessMode">How the pictures of the last message are made fit from now on.</param>
    /// <exception cref="UnknownNameException">There is no such mode.</exception>
    public WebState Regenerate(string imageProcessMode = "Default") => throw new NotImplementedException();

    /// <summary>Writes down what the user thinks of the last answer.</summary>
    /// <param name="vote">What.</param>
    /// <param name="model">The model that is selected in the page.</param>
    public WebState Vote(WebVote vote, string model) => throw new NotImplementedException();

    /// <summary>Begins a new conversation.</summary>
    public WebState Clear() => throw new NotImplementedException();

    /// <summary>Shows a failure of the page's own, such as a picture that cannot be read; the conversation is as before.</summary>
    public WebState Refuse(LlavaException exception) => throw new NotImplementedException();
}
