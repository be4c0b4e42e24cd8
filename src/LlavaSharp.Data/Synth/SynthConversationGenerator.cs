namespace LlavaSharp.Data.Synth;

/// <summary>Makes conversations: the same (seed, index) gives the same conversation, on any thread and in any order.</summary>
public sealed class SynthConversationGenerator
{
    private const uint Stream = 2;
    private const int TriesPerTurn = 40;

    private readonly long _seed;
    private readonly SynthConversationOptions _options;
    private readonly SynthSceneGenerator _scenes;
    private readonly double[] _weights;

    /// <summary>Creates the generator.</summary>
    /// <param name="seed">Different seeds give unrelated conversations; keep one for training and another for evaluation.</param>
    /// <param name="options">What conversations look like; null for the defaults.</param>
    /// <exception cref="LlavaException">A value of the options is outside its range.</exception>
    public SynthConversationGenerator(long seed, SynthConversationOptions? options = null)
    {
        _seed = seed;
        _options = options ?? new();
        _options.Validate();
        _scenes = new(seed, _options.Scenes);
        _weights = new double[(int)SynthQuestionType.OutOfWorld + 1];
        foreach (var (type, weight) in _options.Weights)
            _weights[(int)type] = type == SynthQuestionType.Describe ? 0 : weight;
    }

    /// <summary>The conversation of this index.</summary>
    public SynthConversation Create(long index)
    {
        var random = new SynthRandom(_seed, index, Stream);
        var at = random.Unit();
        var chinese = random.Chance(_options.ChineseShare);
        SynthConversation conversation;
        if (at < _options.OffTopicPictureShare)
        {
            conversation = AboutOtherPicture(random);
        }
        else if (at < _options.OffTopicPictureShare + _options.TextOnlyShare)
        {
            conversation = WithoutPicture(random);
        }
        else
        {
            var scene = _scenes.Create(index);
            conversation = new() { Scene = scene, Turns = AskAbout(scene, random) };
        }
        return conversation with { Turns = [.. conversation.Turns.Select(turn => Finish(turn, conversation.Scene, chinese, random))] };
    }

    /// <summary>One question of a type about a scene, or null when the scene does not allow one.</summary>
    /// <param name="type">The type.</param>
    /// <param name="scene">The scene.</param>
    /// <param name="seed">What the choice of object and wording comes from.</param>
    /// <param name="index">Which of the questions of this seed.</param>
    public static SynthQuestion? AskOne(SynthQuestionType type, SynthScene scene, long seed, long index)
    {
        ArgumentNullException.ThrowIfNull(scene);
        return SynthQuestionMaker.TryMake(type, scene, new(seed, index, Stream + 1));
    }

    private SynthQuestion[] AskAbout(SynthScene scene, SynthRandom random)
    {
        var turns = new SynthQuestion[_options.Turns];
        var describeAt = !random.Chance(_options.DescribeShare) ? -1 : random.Chance(_options.DescribeFirstShare) ? 0 : random.Below(_options.Turns);
        for (var turn = 0; turn < turns.Length; turn++)
            turns[turn] = turn == describeAt ? SynthQuestionMaker.TryMake(SynthQuestionType.Describe, scene, random)! : AskNext(scene, turns.AsSpan(0, turn), random);
        return turns;
    }

    private SynthQuestion AskNext(SynthScene scene, ReadOnlySpan<SynthQuestion> before, SynthRandom random)
    {
        SynthQuestion? last = null;
        for (var attempt = 0; attempt < TriesPerTurn; attempt++)
        {
            var type = (SynthQuestionType)random.Weighted(_weights);
            if (SynthQuestionMaker.TryMake(type, scene, random) is not { } question)
                continue;
            last = question;
            if (!Repeats(question, before))
                return question;
        }
        // Only with weights that leave the scene nothing new: then a question comes twice, or the one that every scene allows.
        return last ?? SynthQuestionMaker.TryMake(SynthQuestionType.CountAll, scene, random)!;
    }

    private static bool Repeats(SynthQuestion question, ReadOnlySpan<SynthQuestion> before)
    {
        foreach (var earlier in before)
        {
            if (earlier.Type == question.Type && earlier.Subject == question.Subject && earlier.Other == question.Other && question.Type != SynthQuestionType.OutOfWorld)
                return true;
        }
        return false;
    }

    /// <summary>The language, the careless spelling and the sentence that wants a short answer.</summary>
    private SynthQuestion Finish(SynthQuestion question, SynthScene? scene, bool chinese, SynthRandom random)
    {
        if (chinese)
            question = SynthChinese.Translate(question, scene, random);
        var text = question.Text;
        if (random.Chance(_options.CarelessShare))
            text = char.ToLowerInvariant(text[0]) + text[1..].TrimEnd('?', '.', '!', '\uFF1F', '\u3002');
        if (random.Chance(question.Type == SynthQuestionType.Describe ? _options.ShortAnswerShare / 3 : _options.ShortAnswerShare))
            text += chinese ? SynthChinese.ShortAnswer : SynthWords.ShortAnswer;
        return question with { Text = text };
    }

    private SynthConversation AboutOtherPicture(SynthRandom random)
    {
        var (width, height) = SynthSceneGenerator.DrawSize(_options.Scenes, random);
        var kind = (SynthOffTopicKind)random.Below((int)SynthOffTopicKind.Plain + 1);
        var turns = new SynthQuestion[random.Between(1, Math.Min(2, _options.Turns))];
        foreach (ref var turn in turns.AsSpan())
        {
            var text = random.Chance(0.7) ? SynthQuestionMaker.MakeText(random) : SynthOffTopic.AskAboutPicture(random);
            turn = new(SynthQuestionType.OutOfWorld, text, SynthOffTopic.OnlyShapes);
        }
        return new() { OffTopic = new(kind, width, height, (long)random.Next()), Turns = turns };
    }

    private SynthConversation WithoutPicture(SynthRandom random)
    {
        var turns = new SynthQuestion[random.Between(1, Math.Min(2, _options.Turns))];
        foreach (ref var turn in turns.AsSpan())
        {
            var (text, answer) = random.Chance(0.25)
                ? (SynthQuestionMaker.MakeText(random), SynthOffTopic.NoPicture)
                : SynthOffTopic.AskWithoutPicture(random);
            turn = new(SynthQuestionType.OutOfWorld, text, answer);
        }
        return new() { Turns = turns };
    }
}
