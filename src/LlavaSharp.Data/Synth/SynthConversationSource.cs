using LlavaSharp.Imaging;
using LlavaSharp.Prompts;
using LlavaSharp.Training;

namespace LlavaSharp.Data.Synth;

/// <summary>The synthetic world as an endless stream of training conversations: nothing is written to files.</summary>
/// <remarks>Every second conversation has the other of two system texts, so that a model trained on them follows both templates.</remarks>
public sealed class SynthConversationSource : IConversationSource
{
    private const uint Stream = 11;
    private const double DescribedShare = 0.4;
    private const int WordsOfATurn = 6;   // the speakers' names and the end

    // both speak of USER and ASSISTANT, and differ in the system text alone
    private static readonly string[] _systems = [.. new[] { "vicuna_v1", "llava_v1" }.Select(name => ConversationTemplates.Get(name).System)];

    private readonly SynthConversationSourceOptions _options;
    private readonly SynthConversationGenerator _small;
    private readonly SynthConversationGenerator _large;

    /// <summary>Creates the source.</summary>
    /// <exception cref="LlavaException">An option is out of its range.</exception>
    public SynthConversationSource(SynthConversationSourceOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!(options.LargeShare is >= 0 and <= 1))
            throw new LlavaException($"Synthetic conversations: the share of large pictures is {options.LargeShare}; it must be 0 to 1.");
        if (options.TextOnly && options.DescribeOnly)
            throw new LlavaException("Synthetic conversations: 'text' and 'describe' exclude each other.");
        _options = options;
        var conversations = options.DescribeOnly
            ? options.Conversations with { Turns = 1, DescribeShare = 1, DescribeFirstShare = 1, OffTopicPictureShare = 0, TextOnlyShare = 0 }
            : options.Conversations;
        var small = SynthSceneOptions.Training with { MinLongerSide = options.MinSide, MinSide = Math.Min(SynthSceneOptions.Training.MinSide, options.MinSide), MaxSide = options.MaxSide };
        _small = new(options.Seed, conversations with { Scenes = small });
        _large = new(options.Seed, conversations);
    }

    /// <inheritdoc/>
    public long? Count => null;

    /// <inheritdoc/>
    public ConversationSample Get(long index)
    {
        var system = _systems[index & 1];
        if (_options.TextOnly)
            return GetText(index, system);
        var conversation = Create(index);
        var picture = conversation.Draw();
        return new ConversationSample(
            [.. Turns(conversation.Turns, picture is null ? "" : LlavaConstants.ImageToken + "\n")],
            picture is null ? null : Image.FromRgb(picture.Width, picture.Height, picture.Rgb), system);
    }

    /// <inheritdoc/>
    public int EstimateLength(long index)
    {
        var (context, turns) = _options.TextOnly ? CreateText(index) : ("", Create(index).Turns);
        return turns.Sum(turn => CountWords(turn.Text) + CountWords(turn.Answer) + WordsOfATurn) + CountWords(context);
    }

    private SynthConversation Create(long index) =>
        (new SynthRandom(_options.Seed, index, Stream).Chance(_options.LargeShare) ? _large : _small).Create(index);

    private static int CountWords(string text) => text.AsSpan().Count(' ') + text.AsSpan().Count(',');

    private ConversationSample GetText(long index, string system)
    {
        var (context, turns) = CreateText(index);
        return new ConversationSample([.. Turns(turns, context + "\n")], null, system);
    }

    // some are asked for the description itself, so that the model can say one before it sees a picture
    private (string Context, IReadOnlyList<SynthQuestion> Turns) CreateText(long index)
    {
        var sample = SynthTextCorpus.Sample(_options.Seed, index, _options.Conversations.Turns);
        var random = new SynthRandom(_options.Seed, index, Stream + 1);
        if (!random.Chance(DescribedShare))
            return (sample.Context, sample.Turns);
        var describe = new SynthQuestion(SynthQuestionType.Describe, random.Pick<string>(SynthPhrases.For(SynthQuestionType.Describe)), sample.Context);
        return (sample.Context, [describe, .. sample.Turns.Skip(1)]);
    }

    private static IEnumerable<ConversationTurn> Turns(IReadOnlyList<SynthQuestion> questions, string before)
    {
        for (var i = 0; i < questions.Count; i++)
        {
            yield return new ConversationTurn("human", i == 0 ? before + questions[i].Text : questions[i].Text);
            yield return new ConversationTurn("gpt", questions[i].Answer);
        }
    }
}
