using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Web;

/// <summary>
/// The chat of one browser tab, without a user interface: every event gives the state that the page is to show. Made by <see cref="WebConversations.Open"/>.
/// Nothing that goes wrong outside is thrown: it stands in <see cref="WebState.Failure"/>.
/// </summary>
/// <remarks>Safe for concurrent use: an event during another one is refused (<see cref="WebFailureKind.Busy"/>), but <see cref="Stop"/> is not.</remarks>
public sealed class WebConversation
{
    private static readonly WebFailure _busyFailure = new(WebFailureKind.Busy, "An answer is being written. Stop it first, or wait until it is finished.");

    private readonly Lock _lock = new();
    private readonly WebConversations _server;
    private readonly string _client;
    private readonly WebChat _chat;
    private WebState _state = new([], WebButtons.Disabled) { HasNothingToAnswer = true };
    private CancellationTokenSource? _stop;   // of the answer that runs
    private bool _isBusy;
    private bool _skipNext;

    internal WebConversation(WebConversations server, string client) => (_server, _client, _chat) = (server, client, new(server.Options.Quirks));

    /// <summary>The state that the last event gave.</summary>
    public WebState State
    {
        get
        {
            lock (_lock)
                return _state;
        }
    }

    /// <summary>Whether an answer is being generated, or waits to be.</summary>
    public bool IsAnswering
    {
        get
        {
            lock (_lock)
                return _stop is not null;
        }
    }

    /// <summary>A copy of the conversation behind the chat, with its template.</summary>
    public Conversation GetConversation()
    {
        lock (_lock)
        {
            var conversation = _chat.Build();
            conversation.SkipNext = _skipNext;
            return conversation;
        }
    }

    /// <summary>The page was loaded: a new conversation, and the models.</summary>
    /// <param name="model">The model that the page's address asks for (<c>?model=</c>), or null.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<WebPageLoad> LoadAsync(string? model = null, CancellationToken cancellation = default)
    {
        _server.Logger.LogInformation("load_demo. ip: {Client}. model: {Model}", _client, model);
        var models = _server.Models;
        var failure = _server.Options.ModelListMode == WebModelListMode.Reload || !models.AreKnown ? await models.RefreshAsync(cancellation).ConfigureAwait(false) : null;
        var state = Event(() => Renew());
        var names = models.Names;
        var selected = model is not null && names.Contains(model) ? model : _server.Options.ModelListMode == WebModelListMode.Reload ? names.FirstOrDefault() ?? "" : null;
        return new(names, selected, state, failure);
    }

    /// <summary>The user sends a message; <see cref="AnswerAsync"/> then answers it.</summary>
    /// <param name="text">
    /// The text; behind 1536 characters (1200 with a picture) it is cut off. An <c>&lt;image&gt;</c> in it says where a picture belongs; those without one stand in front.
    /// </param>
    /// <param name="pictures">The pictures; null: none.</param>
    /// <param name="imageProcessMode"><c>Crop</c>, <c>Resize</c>, <c>Pad</c> or <c>Default</c> (<see cref="ConversationImage.Modes"/>).</param>
    /// <param name="cancellation">Gives up; the conversation is as before.</param>
    /// <exception cref="UnknownNameException">There is no such mode.</exception>
    /// <exception cref="ArgumentException">Several pictures, where the original's rule allows one (<see cref="WebQuirks.OnePicture"/>).</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task<WebState> AddTextAsync(string text, IReadOnlyList<WebPicture>? pictures = null, string imageProcessMode = "Default", CancellationToken cancellation = default) =>
        SubmitAsync(null, text, pictures, imageProcessMode, cancellation);

    /// <summary>The user changes an earlier message: what came after it is forgotten; <see cref="AnswerAsync"/> then answers it.</summary>
    /// <param name="turn">Which (<see cref="WebTurn.Number"/>).</param>
    /// <param name="text">The new text.</param>
    /// <param name="pictures">The new pictures; null: those that it has.</param>
    /// <param name="imageProcessMode">See <see cref="AddTextAsync"/>; null: as before.</param>
    /// <param name="cancellation">Gives up; the conversation is as before.</param>
    /// <exception cref="UnknownNameException">There is no such mode.</exception>
    /// <exception cref="ArgumentException">See <see cref="AddTextAsync"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task<WebState> EditAsync(int turn, string text, IReadOnlyList<WebPicture>? pictures = null, string? imageProcessMode = null, CancellationToken cancellation = default) =>
        SubmitAsync(turn, text, pictures, imageProcessMode, cancellation);

    /// <summary>
    /// Asks for the answer and gives a state whenever there is more of it; the last one has the buttons enabled or a failure. Stopped by <see cref="Stop"/>, the answer
    /// keeps the text that came until then; so it does when cancelled or abandoned, but then no last state is given. Answers that were stopped are not recorded.
    /// </summary>
    /// <param name="parameters">Which model, and how.</param>
    /// <param name="cancellation">The tab was closed.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IAsyncEnumerable<WebState> AnswerAsync(WebParameters parameters, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (!double.IsFinite(parameters.Temperature) || !double.IsFinite(parameters.TopP) || !double.IsFinite(parameters.MaxNewTokens))
            throw new ArgumentOutOfRangeException(nameof(parameters), parameters, "Temperature, top-p and the number of tokens must be finite numbers.");
        return GenerateAsync(parameters, cancellation);
    }

    /// <summary>Stops the running answer, if there is one; <see cref="AnswerAsync"/> then gives its last state. Returns at once.</summary>
    public void Stop()
    {
        lock (_lock)
            _ = _stop?.CancelAsync();   // what this wakes runs elsewhere, not inside the lock
    }

    /// <summary>Takes the last answer back; <see cref="AnswerAsync"/> then gives another one.</summary>
    /// <param name="imageProcessMode">How the pictures of the last message are made fit from now on.</param>
    /// <exception cref="UnknownNameException">There is no such mode.</exception>
    public WebState Regenerate(string imageProcessMode = "Default")
    {
        CheckMode(imageProcessMode);
        _server.Logger.LogInformation("regenerate. ip: {Client}", _client);
        return Event(() =>
        {
            if (_chat.Last is not { } last)
                return Refusal(new(WebFailureKind.NoSuchTurn, "There is no answer yet that could be given again. Send a message first."));
            _chat.Last = last.WithoutAnswer() with { ImageProcessMode = imageProcessMode };
            _skipNext = false;
            return new(_chat.Show(), WebButtons.Disabled) { TextBox = "", ClearsPictures = true };
        });
    }

    /// <summary>Writes down what the user thinks of the last answer.</summary>
    /// <param name="vote">What.</param>
    /// <param name="model">The model that is selected in the page.</param>
    public WebState Vote(WebVote vote, string model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _server.Logger.LogInformation("{Vote}. ip: {Client}", vote.ToRecordName(), _client);
        Conversation? voted = null;
        var state = Event(() =>
        {
            if (_chat.Last is not { } last)
                return Refusal(new(WebFailureKind.NoSuchTurn, "There is no answer yet. Send a message first."));
            voted = _chat.Build();
            _chat.Last = last with { Vote = vote };
            return new(_chat.Show(), WebButtons.Voted) { TextBox = "" };
        });
        if (voted is not null)
            _server.Log.AddVote(vote, model, _server.Options.Clock.GetUtcNow(), voted, _client);
        return state;
    }

    /// <summary>Begins a new conversation.</summary>
    public WebState Clear()
    {
        _server.Logger.LogInformation("clear_history. ip: {Client}", _client);
        return Event(Renew);
    }

    /// <summary>All turns, to be taken up again by <see cref="Restore"/>. Answers that failed are left out; those that were stopped are kept as far as they came.</summary>
    public IReadOnlyList<WebSavedTurn> Save()
    {
        lock (_lock)
            return _chat.Save();
    }

    /// <summary>Takes a conversation up again, in the place of this one.</summary>
    /// <param name="turns">What <see cref="Save"/> gave.</param>
    /// <exception cref="ServingException">The turns cannot be of a conversation: their pictures and markers do not agree, or there is no such mode. The conversation is as before.</exception>
    public WebState Restore(IReadOnlyList<WebSavedTurn> turns)
    {
        ArgumentNullException.ThrowIfNull(turns);
        ConversationTurn[] restored = [.. turns.Select(WebMessage.Restore)];
        return Event(() =>
        {
            var state = Renew();
            foreach (var turn in restored)
                _chat.Add(_chat.Count, turn);
            return restored.Length == 0 ? state : state with { Turns = _chat.Show(), Buttons = restored[^1].Answer is null ? WebButtons.Failed : WebButtons.Enabled, HasNothingToAnswer = restored[^1].Answer is not null };
        });
    }

    /// <summary>Shows a failure of the page's own, such as a picture that cannot be read; the conversation is as before.</summary>
    public WebState Refuse(LlavaException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return Event(() => Refusal(new(WebFailureKind.PictureUnreadable, exception.Message)));
    }

    private static void CheckMode(string mode)
    {
        if (!ConversationImage.Modes.Contains(mode))
            throw new UnknownNameException("image_process_mode", mode, ConversationImage.Modes);
    }

    private async Task<WebState> SubmitAsync(int? number, string text, IReadOnlyList<WebPicture>? pictures, string? mode, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (mode is not null)
            CheckMode(mode);
        var onePicture = _server.Options.Quirks.OnePicture;
        if (onePicture && pictures is { Count: > 1 })
            throw new ArgumentException($"A message has one picture here, not {pictures.Count}.", nameof(pictures));
        lock (_lock)
        {
            if (_isBusy)
                return Refusal(_busyFailure);
            if (number < 0 || number >= _chat.Count)
                return _state = Refusal(new(WebFailureKind.NoSuchTurn, $"There is no message {number} in this conversation."));
            _isBusy = true;
            if (number is { } edited)
                (pictures, mode) = (pictures ?? _chat[edited].Pictures, mode ?? _chat[edited].ImageProcessMode);
        }
        try
        {
            _server.Logger.LogInformation("add_text. ip: {Client}. len: {Length}", _client, text.EnumerateRunes().Count());
            // in the original's order: nothing at all, then the moderation, then the cut
            var isEmpty = text.Length == 0 && pictures is not { Count: > 0 };
            var flagged = !isEmpty && _server.Options.Moderate && (await _server.Moderation.CheckAsync(text, cancellation).ConfigureAwait(false)).IsFlagged;
            lock (_lock)
                return _state = isEmpty ? Skip(new(WebFailureKind.EmptyMessage, "There is nothing to send. Write something, or add a picture."), "")
                    : flagged ? Skip(new(WebFailureKind.Moderation, "The moderation service objects to this text, so it was not sent.", Moderation.RefusalText), Moderation.RefusalText)
                    : Submit(number ?? _chat.Count, text, [.. pictures ?? []], mode ?? "Default", onePicture);
        }
        finally
        {
            lock (_lock)
                _isBusy = false;
        }
    }

    private WebState Submit(int number, string text, IReadOnlyList<WebPicture> pictures, string mode, bool onePicture)
    {
        if (onePicture && pictures.Count > 0)
            number = 0;
        var (turn, failure, cutOff) = WebMessage.Make(text, pictures, mode, number == 0, onePicture);
        if ((WebMessage.Check(pictures) ?? failure) is { } wrong)
            return Skip(wrong, null);
        if (onePicture && pictures.Count > 0)
            _chat.Clear();
        _chat.Add(number, turn!);
        _skipNext = false;
        return new(_chat.Show(), WebButtons.Disabled) { TextBox = "", ClearsPictures = true, CharactersCutOff = cutOff };
    }

    private async IAsyncEnumerable<WebState> GenerateAsync(WebParameters parameters, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(abandoned.Token);
        var interval = _server.Options.StateInterval;
        // states that nobody has looked at are replaced by newer ones
        var states = Channel.CreateBounded<WebState>(new BoundedChannelOptions(1) { FullMode = interval > TimeSpan.Zero ? BoundedChannelFullMode.DropOldest : BoundedChannelFullMode.Wait });
        if (Begin(stop) is { } instead)
        {
            yield return instead;
            yield break;
        }
        var running = Task.Run(() => RunAsync(new(_server, parameters, _client, new Chat(this, states.Writer, abandoned.Token)), states.Writer, stop.Token), CancellationToken.None);
        try
        {
            await foreach (var state in states.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                yield return state;
                if (interval > TimeSpan.Zero && !states.Reader.Completion.IsCompleted)
                    await Task.Delay(interval, _server.Options.Clock, cancellation).ConfigureAwait(false);
            }
            await running.ConfigureAwait(false);
        }
        finally
        {
            await abandoned.CancelAsync().ConfigureAwait(false);
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lock (_lock)
                (_stop, _isBusy) = (null, false);
        }
    }

    // null: the answer may begin
    private WebState? Begin(CancellationTokenSource stop)
    {
        _server.Logger.LogInformation("http_bot. ip: {Client}", _client);
        lock (_lock)
        {
            if (_isBusy)
                return Refusal(_busyFailure);
            if (_skipNext || !_chat.IsOpen)
                return _state = new(_chat.Show(), WebButtons.Unchanged) { HasNothingToAnswer = true };
            (_stop, _isBusy) = (stop, true);
            return null;
        }
    }

    private static async Task RunAsync(AnswerRun run, ChannelWriter<WebState> states, CancellationToken stop)
    {
        try
        {
            await run.RunAsync(stop).ConfigureAwait(false);
        }
        finally
        {
            states.Complete();
        }
    }

    private WebState Event(Func<WebState> change)
    {
        lock (_lock)
            return _isBusy ? Refusal(_busyFailure) : _state = change();
    }

    private WebState Renew()
    {
        _chat.Clear();
        _skipNext = false;
        return new([], WebButtons.Disabled) { TextBox = "", ClearsPictures = true, HasNothingToAnswer = true };
    }

    private WebState Skip(WebFailure failure, string? textBox)
    {
        _skipNext = true;
        return Refusal(failure) with { TextBox = textBox, ClearsPictures = textBox is not null, HasNothingToAnswer = true };
    }

    private WebState Refusal(WebFailure failure) => new(_chat.Show(), WebButtons.Unchanged) { Failure = failure };

    // what an answer sees of the conversation
    private sealed class Chat(WebConversation owner, ChannelWriter<WebState> states, CancellationToken abandoned) : AnswerRun.IChat
    {
        public T With<T>(Func<WebChat, T> use)
        {
            lock (owner._lock)
                return use(owner._chat);
        }

        public async Task ShowAsync(Func<ConversationTurn, ConversationTurn> change, WebButtons buttons, WebFailure? failure, int? ahead)
        {
            WebState state;
            lock (owner._lock)
            {
                var turn = change(owner._chat.Last!);
                owner._chat.Last = turn;
                state = owner._state = new(owner._chat.Show(), buttons) { Failure = failure, AnswersAhead = ahead, Statistics = turn.Statistics };
            }
            try
            {
                await states.WriteAsync(state, abandoned).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (abandoned.IsCancellationRequested)
            {
                // nobody looks any more
            }
        }
    }
}
