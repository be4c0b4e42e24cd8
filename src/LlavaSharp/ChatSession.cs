using System.Runtime.CompilerServices;
using System.Text;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;

namespace LlavaSharp;

/// <summary>
/// A conversation with a model, turn by turn: keeps what was said and shown, and sends all of it every time, as the original's terminal chat does.
/// </summary>
/// <remarks>Not safe for concurrent use: one turn at a time.</remarks>
public sealed class ChatSession
{
    private readonly LlavaModel _model;
    private readonly List<Image> _images = [];
    private readonly List<Image> _pending = [];

    /// <summary>Begins a conversation.</summary>
    /// <param name="model">The model; it is not disposed of by the session.</param>
    /// <param name="template">The conversation template; null: the model's.</param>
    /// <param name="options">How to generate; null: the defaults, with the checkpoint's top-p, as the original's terminal chat has it.</param>
    /// <exception cref="UnknownNameException">No such template.</exception>
    /// <exception cref="PromptException">The model's own chat template cannot be read.</exception>
    public ChatSession(LlavaModel model, string? template = null, GenerationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        TemplateName = template ?? model.TemplateName;
        Options = options ?? new GenerationOptions { UseCheckpointTopP = true };
        Conversation = model.CreateConversation(TemplateName);
    }

    /// <summary>The template's name.</summary>
    public string TemplateName { get; }

    /// <summary>How to generate from the next turn on.</summary>
    public GenerationOptions Options { get; set; }

    /// <summary>The turns so far. A turn that failed before any text came is not among them.</summary>
    public Conversation Conversation { get; private set; }

    /// <summary>The pictures of the turns so far, in the order of their markers.</summary>
    public IReadOnlyList<Image> Images => _images;

    /// <summary>The pictures that go with the next turn.</summary>
    public IReadOnlyList<Image> PendingImages => _pending;

    /// <summary>The last finished answer, or null.</summary>
    public GenerationResult? LastResult { get; private set; }

    /// <summary>Puts a picture to the next turn.</summary>
    public void AddImage(Image image)
    {
        ArgumentNullException.ThrowIfNull(image);
        _pending.Add(image);
    }

    /// <summary>
    /// Says something and streams the answer. Cancelled, or abandoned by its reader, the turn stays with the text that came until then;
    /// where none came, or the turn is refused, the conversation is as before and its pictures wait for the next turn.
    /// </summary>
    /// <param name="text">What is said; where it has no <c>&lt;image&gt;</c>, a marker for each new picture stands in front of it.</param>
    /// <param name="images">Pictures of this turn, after those of <see cref="AddImage"/>.</param>
    /// <param name="cancellationToken">Stops at the next token.</param>
    /// <exception cref="ImageCountException">The conversation's markers and pictures differ in number.</exception>
    /// <exception cref="ContextLengthException">The conversation has become longer than the context.</exception>
    /// <exception cref="LlavaException">An option is out of range, or the model cannot see.</exception>
    public async IAsyncEnumerable<string> SendAsync(
        string text, IReadOnlyList<Image>? images = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        Image[] added = [.. _pending, .. images ?? []];
        var turn = Conversation.Copy();
        turn.Append(turn.Roles[0], _model.WithMarkers(text, added.Length));
        turn.Append(turn.Roles[1], null);
        var request = GenerationRequest.For(turn, [.. _images, .. added], Options);
        var shown = new StringBuilder();
        GenerationResult? result = null;
        try
        {
            await foreach (var update in _model.GenerateAsync(request, cancellationToken).ConfigureAwait(false))
            {
                result = update.Result ?? result;
                if (update.Text.Length == 0)
                    continue;
                shown.Append(update.Text);
                yield return update.Text;
            }
        }
        finally
        {
            var answer = result is null ? shown.ToString().Trim() : Stored(result);
            if (result is not null || answer.Length > 0)
            {
                turn.Messages[^1] = turn.Messages[^1] with { Text = ConversationText.WithoutMarkers(answer) };
                Conversation = turn;
                _images.AddRange(added);
                _pending.Clear();
                LastResult = result ?? LastResult;
            }
        }
    }

    /// <summary>Forgets all turns and pictures.</summary>
    public void Reset()
    {
        Conversation = _model.CreateConversation(TemplateName);
        _images.Clear();
        _pending.Clear();
        LastResult = null;
    }

    /// <summary>
    /// Writes the conversation as a data set of one sample in LLaVA's format, and its pictures as PNG files beside it
    /// (<c>NAME-1.png</c> and so on). Each file is written to a temporary name, then renamed; the JSON file comes last.
    /// </summary>
    /// <exception cref="LlavaException">A file cannot be written.</exception>
    public void Save(string path) => ChatRecord.Save(path, Conversation, _images, _model.ImageMarker);

    // Q17: the original keeps the end token in the text, so that the next prompt has it twice
    private string Stored(GenerationResult result) =>
        _model.Compatibility.KeepEndTokenInHistory ? TextStream.Decode(_model.Tokenizer, result.OutputIds, skipSpecialTokens: false).Trim() : result.Text;
}
