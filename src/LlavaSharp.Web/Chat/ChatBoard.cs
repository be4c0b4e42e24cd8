using LlavaSharp.Imaging;
using LlavaSharp.Serving.Web;

namespace LlavaSharp.Web.Chat;

/// <summary>
/// Everything that a browser tab shows and its user does, without a user interface: one conversation, or two beside each other, and the message that is being
/// written. Not safe for concurrent use: the page calls it on its own dispatcher, and what runs on comes back to it.
/// </summary>
public sealed class ChatBoard : IDisposable
{
    /// <summary>The most pictures of a message.</summary>
    public const int MostPictures = 16;

    /// <summary>The largest file of a picture, in bytes.</summary>
    public const long MostPictureBytes = 20 << 20;

    // decoded pictures lie in memory as long as their conversation: three bytes a pixel
    private static readonly ImageLoadOptions _pictureLimits = new() { MaximumBytes = MostPictureBytes, MaximumPixels = 50_000_000 };

    private readonly WebConversations _server;
    private readonly string _client;
    private readonly CancellationTokenSource _closed = new();
    private readonly List<ChatLane> _lanes = [];
    private readonly List<WebPicture> _pictures = [];

    /// <summary>Opens one conversation.</summary>
    /// <param name="server">What all tabs share.</param>
    /// <param name="client">The browser's address, for the log.</param>
    public ChatBoard(WebConversations server, string client)
    {
        ArgumentNullException.ThrowIfNull(server);
        (_server, _client) = (server, client);
        _lanes.Add(new(server.Open(client), ""));
    }

    /// <summary>Something is to be shown.</summary>
    public event Action? Changed;

    /// <summary>An answer ended, well or not.</summary>
    public event Action<ChatLane>? Answered;

    /// <summary>The conversations: one, or two that are compared.</summary>
    public IReadOnlyList<ChatLane> Lanes => _lanes;

    /// <summary>The models to choose from.</summary>
    public IReadOnlyList<string> Models => _server.Models.Names;

    /// <summary>The text that is being written.</summary>
    public string Draft { get; set; } = "";

    /// <summary>The pictures of the message that is being written.</summary>
    public IReadOnlyList<WebPicture> Pictures => _pictures;

    /// <summary>How pictures are made fit (<see cref="Imaging.ConversationImage.Modes"/>).</summary>
    public string ImageProcessMode { get; set; } = "Default";

    /// <summary>From 0 to 1.</summary>
    public double Temperature { get; set; } = 0.2;

    /// <summary>From 0 to 1.</summary>
    public double TopP { get; set; } = 0.7;

    /// <summary>The most tokens of an answer.</summary>
    public int MaxNewTokens { get; set; } = 512;

    /// <summary>What went wrong beside the answers, or null.</summary>
    public WebFailure? Notice { get; set; }

    /// <summary>How many characters of the last message were cut off.</summary>
    public int CharactersCutOff { get; private set; }

    /// <summary>Whether two models are compared.</summary>
    public bool IsComparing => _lanes.Count > 1;

    /// <summary>Whether any answer is being written.</summary>
    public bool IsAnswering => _lanes.Any(lane => lane.IsAnswering);

    /// <summary>Whether nothing was said yet.</summary>
    public bool IsEmpty => _lanes.All(lane => lane.State.Turns.Count == 0);

    /// <summary>Names the conversation in the history; another one when a conversation is begun or taken up.</summary>
    public string Id { get; private set; } = NewId();

    /// <summary>The page was opened.</summary>
    /// <param name="model">The model that its address asks for, or null.</param>
    public async Task LoadAsync(string? model)
    {
        var load = await _lanes[0].Conversation.LoadAsync(model, _closed.Token);
        _lanes[0].Model = load.Selected ?? load.Models.FirstOrDefault() ?? "";
        _lanes[0].Show(load.State);
        Notice = load.Failure;
        Changed?.Invoke();
    }

    /// <summary>The list of models has changed.</summary>
    public void TakeModels()
    {
        if (Models.Count > 0)
            foreach (var lane in _lanes.Where(lane => lane.Model.Length == 0))
                lane.Model = Models[0];
        if (Notice is { Kind: WebFailureKind.NoController })
            Notice = null;
        Changed?.Invoke();
    }

    /// <summary>Shows two conversations beside each other, the second one a copy of the first, or one again.</summary>
    public void SetComparing(bool isComparing)
    {
        if (isComparing == IsComparing)
            return;
        if (isComparing)
        {
            var lane = new ChatLane(_server.Open(_client), Models.FirstOrDefault(name => name != _lanes[0].Model) ?? _lanes[0].Model);
            lane.Show(lane.Conversation.Restore(_lanes[0].Conversation.Save()));
            _lanes.Add(lane);
        }
        else
        {
            _lanes[1].Conversation.Stop();
            _lanes.RemoveAt(1);
        }
        Changed?.Invoke();
    }

    /// <summary>Adds a picture to the message, decoded here so that nothing of the file but its pixels goes on.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">Its name, for people.</param>
    /// <returns>Whether it was taken; else <see cref="Notice"/> says why not.</returns>
    public async Task<bool> AddPictureAsync(byte[] file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        try
        {
            var picture = await Task.Run(() => WebPicture.Read(file, name, _pictureLimits), _closed.Token);
            if (_pictures.Count >= MostPictures)
                return false;
            _pictures.Add(picture);
            Notice = null;
            return true;
        }
        catch (LlavaException exception)
        {
            Notice = new(WebFailureKind.PictureUnreadable, exception.Message);
            return false;
        }
        finally
        {
            Changed?.Invoke();
        }
    }

    /// <summary>Takes a picture out of the message.</summary>
    public void RemovePicture(WebPicture picture)
    {
        _pictures.Remove(picture);
        Changed?.Invoke();
    }

    /// <summary>Fills the message with an example.</summary>
    public void UseExample(string text, WebPicture picture)
    {
        Draft = text;
        _pictures.Clear();
        _pictures.Add(picture);
        Changed?.Invoke();
    }

    /// <summary>Sends the message; returns when it is answered.</summary>
    public async Task SendAsync()
    {
        var (text, pictures) = (Draft, _pictures.ToArray());
        await SubmitAsync(_lanes, lane => lane.Conversation.AddTextAsync(text, pictures, ImageProcessMode, _closed.Token));
    }

    /// <summary>Sends an earlier message again, changed; returns when it is answered.</summary>
    /// <param name="turn">Which.</param>
    /// <param name="text">The new text.</param>
    public Task EditAsync(int turn, string text) =>
        SubmitAsync(_lanes.Where(lane => turn < lane.State.Turns.Count), lane => lane.Conversation.EditAsync(turn, text, cancellation: _closed.Token));

    /// <summary>Answers the last message of a conversation again; returns when it is answered.</summary>
    public async Task RegenerateAsync(ChatLane lane)
    {
        ArgumentNullException.ThrowIfNull(lane);
        Notice = null;
        Take(lane, lane.Conversation.Regenerate(ImageProcessMode), isMessage: false);
        await AnswerAsync(lane);
    }

    /// <summary>Votes for the last answer.</summary>
    public void Vote(ChatLane lane, WebVote vote)
    {
        ArgumentNullException.ThrowIfNull(lane);
        Take(lane, lane.Conversation.Vote(vote, lane.Model), isMessage: false);
        Changed?.Invoke();
    }

    /// <summary>Stops all answers.</summary>
    public void Stop()
    {
        foreach (var lane in _lanes)
            lane.Conversation.Stop();
    }

    /// <summary>Begins a new conversation.</summary>
    public void Clear()
    {
        if (IsAnswering)
        {
            Notice = new(WebFailureKind.Busy, "An answer is being written. Stop it first, or wait until it is finished.");
        }
        else
        {
            (Notice, CharactersCutOff, Id) = (null, 0, NewId());
            foreach (var lane in _lanes)
                Take(lane, lane.Conversation.Clear(), isMessage: true);
        }
        Changed?.Invoke();
    }

    /// <summary>The conversation as the browser keeps it; null: there is nothing to keep.</summary>
    /// <param name="now">When.</param>
    public SavedConversation? Save(DateTimeOffset now) => IsEmpty ? null : new(Id, now, [.. _lanes.Select(lane => new SavedLane(lane.Model, lane.Conversation.Save()))]);

    /// <summary>Takes a conversation up again.</summary>
    /// <exception cref="LlavaSharp.Serving.ServingException">It cannot be one; all is as before.</exception>
    public void Restore(SavedConversation saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        if (IsAnswering)
        {
            Clear();   // refused, and said why
            return;
        }
        var restored = new List<ChatLane>();
        foreach (var kept in saved.Lanes)
        {
            var lane = new ChatLane(_server.Open(_client), kept.Model);
            lane.Show(lane.Conversation.Restore(kept.Turns));
            restored.Add(lane);
        }
        _lanes.Clear();
        _lanes.AddRange(restored);
        (Notice, CharactersCutOff, Id) = (null, 0, saved.Id);
        Changed?.Invoke();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _closed.Cancel();
        Stop();
        _closed.Dispose();
    }

    private static string NewId() => Guid.NewGuid().ToString("N");

    private async Task SubmitAsync(IEnumerable<ChatLane> lanes, Func<ChatLane, Task<WebState>> submit)
    {
        (Notice, CharactersCutOff) = (null, 0);
        var answers = new List<Task>();
        foreach (var lane in lanes.ToArray())
        {
            var state = await submit(lane);
            Take(lane, state, isMessage: true);
            CharactersCutOff = Math.Max(CharactersCutOff, state.CharactersCutOff);
            if (!state.HasNothingToAnswer && state.Failure is null)
                answers.Add(AnswerAsync(lane));
        }
        Changed?.Invoke();
        await Task.WhenAll(answers);
    }

    private async Task AnswerAsync(ChatLane lane)
    {
        if (lane.IsAnswering || lane.State.HasNothingToAnswer || lane.State.Failure is not null)
        {
            Changed?.Invoke();
            return;
        }
        lane.IsAnswering = true;
        try
        {
            await foreach (var state in lane.Conversation.AnswerAsync(new(lane.Model) { Temperature = Temperature, TopP = TopP, MaxNewTokens = MaxNewTokens }, _closed.Token))
            {
                lane.Show(state);
                Changed?.Invoke();
            }
        }
        catch (OperationCanceledException) when (_closed.IsCancellationRequested)
        {
            return;   // the tab was closed
        }
        finally
        {
            lane.IsAnswering = false;
        }
        Answered?.Invoke(lane);
        Changed?.Invoke();
    }

    private void Take(ChatLane lane, WebState state, bool isMessage)
    {
        lane.Show(state);
        Notice = state.Failure ?? Notice;
        if (!isMessage)
            return;
        Draft = state.TextBox ?? Draft;
        if (state.ClearsPictures)
            _pictures.Clear();
    }
}
