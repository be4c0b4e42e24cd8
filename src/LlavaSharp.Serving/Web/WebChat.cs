using LlavaSharp.Prompts;

namespace LlavaSharp.Serving.Web;

/// <summary>The turns of a conversation and its template. Not safe for concurrent use.</summary>
internal sealed class WebChat(WebQuirks quirks)
{
    private readonly List<ConversationTurn> _turns = [];
    private string _template = ConversationTemplates.DefaultName;

    /// <summary>How many turns there are.</summary>
    public int Count => _turns.Count;

    /// <summary>The last turn.</summary>
    public ConversationTurn? Last
    {
        get => _turns.Count > 0 ? _turns[^1] : null;
        set => _turns[^1] = value!;
    }

    /// <summary>Whether an answer is to be generated.</summary>
    public bool IsOpen => Last is { Answer: null };

    /// <summary>A turn.</summary>
    public ConversationTurn this[int number] => _turns[number];

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _turns.Clear();
        _template = ConversationTemplates.DefaultName;
    }

    /// <summary>Adds a turn behind the first ones, and forgets the others.</summary>
    public void Add(int number, ConversationTurn turn)
    {
        _turns.RemoveRange(number, _turns.Count - number);
        _turns.Add(turn);
    }

    /// <summary>Takes a model's template, and names the one that holds.</summary>
    public string UseTemplate(string template)
    {
        if (_turns.Count == 1 || !quirks.FirstTemplateStays)
            _template = template;
        return _template;
    }

    /// <summary>The conversation as the chat shows and the log records it.</summary>
    public Conversation Build() => Build(turn => turn.Answer);

    /// <summary>The conversation as the model is to read it: the last answer open, and without what failed.</summary>
    public Conversation BuildForPrompt() => Build(turn => ReferenceEquals(turn, Last) ? null
        : quirks.FailuresAreAnswers ? turn.Answer
        : turn.Failure is null or { Kind: WebFailureKind.Stopped } && turn.Answer is not null ? ConversationText.WithoutMarkers(turn.Answer)   // a marker that the model wrote is no picture
        : null);

    /// <summary>All pictures, in the order of their markers, and how they are made fit.</summary>
    public IReadOnlyList<(WebPicture Picture, string Mode)> Pictures() => [.. _turns.SelectMany(turn => turn.Pictures.Select(picture => (picture, turn.ImageProcessMode)))];

    /// <summary>The turns as they are kept.</summary>
    public IReadOnlyList<WebSavedTurn> Save() => [.. _turns.Select(turn => new WebSavedTurn(
        turn.Text, turn.Pictures, turn.ImageProcessMode, turn.IsAnnounced, turn is { IsBeingWritten: false, Failure: null or { Kind: WebFailureKind.Stopped } } ? turn.Answer : null, turn.Model))];

    /// <summary>The turns as the chat shows them.</summary>
    public IReadOnlyList<WebTurn> Show() => [.. _turns.Select((turn, number) => turn.Show(number))];

    private Conversation Build(Func<ConversationTurn, string?> answer)
    {
        var conversation = ConversationTemplates.Get(_template);
        foreach (var turn in _turns)
        {
            if (turn.IsAnnounced)
                conversation.Append(conversation.Roles[0], turn.Text, turn.Pictures[0].Image, turn.ImageProcessMode);
            else
                conversation.Append(conversation.Roles[0], turn.Text);
            conversation.Append(conversation.Roles[1], answer(turn));
        }
        return conversation;
    }
}
