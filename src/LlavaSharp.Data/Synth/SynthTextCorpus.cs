using System.Text;

namespace LlavaSharp.Data.Synth;

/// <summary>Text of the synthetic world without pictures: to warm up a language model, and to train a tokenizer.</summary>
public static class SynthTextCorpus
{
    private const uint Stream = 5;
    private const int TriesPerTurn = 60;

    private static readonly SynthQuestionType[] _types =
    [
        SynthQuestionType.Color, SynthQuestionType.Shape, SynthQuestionType.CountAll, SynthQuestionType.CountColor, SynthQuestionType.CountShape,
        SynthQuestionType.Presence, SynthQuestionType.Place, SynthQuestionType.Size, SynthQuestionType.RelationHorizontal, SynthQuestionType.RelationVertical,
        SynthQuestionType.Refusal,
    ];

    private static readonly SynthSceneOptions _scenes = new();

    /// <summary>The sample of this seed and index, always the same.</summary>
    /// <param name="seed">Different seeds give unrelated samples.</param>
    /// <param name="index">Which sample.</param>
    /// <param name="turns">How many questions, 1 to 64.</param>
    public static SynthTextSample Sample(long seed, long index, int turns = 5)
    {
        if (turns is < 1 or > 64)
            throw new ArgumentOutOfRangeException(nameof(turns), turns, "A sample has 1 to 64 questions.");
        var random = new SynthRandom(seed, index, Stream);
        var scene = new SynthSceneGenerator(seed, _scenes).Create(index);
        var questions = new SynthQuestion[turns];
        for (var turn = 0; turn < turns; turn++)
            questions[turn] = AskNext(scene, random);
        return new(SynthWords.Describe(scene), questions);
    }

    /// <summary>
    /// Texts that together hold every word of the world: first each wording and each fixed answer with every name filled in, then <paramref name="count"/> conversations as they come.
    /// </summary>
    /// <param name="seed">The seed of the conversations.</param>
    /// <param name="count">How many conversations.</param>
    /// <param name="options">What the conversations look like; null for the defaults. Chinese comes only where its share is above zero.</param>
    public static IEnumerable<string> TokenizerTexts(long seed, int count, SynthConversationOptions? options = null)
    {
        foreach (var text in FixedTexts().Concat(options?.ChineseShare > 0 ? SynthChinese.FixedTexts() : []))
            yield return text;
        var generator = new SynthConversationGenerator(seed, options);
        for (var index = 0; index < count; index++)
        {
            foreach (var turn in generator.Create(index).Turns)
            {
                yield return turn.Text;
                yield return turn.Answer;
            }
        }
    }

    /// <summary>Every English word of questions and answers once, as it is written, in ordinal order; a word is a run of letters.</summary>
    public static IReadOnlyList<string> Words()
    {
        var words = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var text in FixedTexts())
        {
            foreach (var word in SplitWords(text))
            {
                words.Add(word);
                // Careless questions begin with a small letter.
                words.Add(char.ToLowerInvariant(word[0]) + word[1..]);
            }
        }
        return [.. words];
    }

    /// <summary>Every character of questions and answers once, in ordinal order.</summary>
    /// <param name="chinese">Whether those of <see cref="SynthChinese"/> belong to them.</param>
    public static IReadOnlyList<char> Characters(bool chinese = false) =>
        [.. FixedTexts().Concat(chinese ? SynthChinese.FixedTexts() : []).SelectMany(text => text + text.ToLowerInvariant()).Distinct().Order()];

    private static IEnumerable<string> FixedTexts()
    {
        foreach (var type in SynthCategories.All.Where(type => type < SynthQuestionType.Refusal))
        {
            foreach (var wording in SynthPhrases.For(type))
            {
                for (var i = 0; i < 8; i++)
                    yield return Spell(type, wording, i);
            }
        }
        foreach (var text in (IEnumerable<string>)[.. SynthWords.Numbers, .. SynthWords.Places, "yes", "no", "left", "right", "above", "below", SynthWords.ShortAnswer, .. SynthOffTopic.Answers])
            yield return text;
        foreach (var color in SynthWords.Colors)
        {
            foreach (var shape in SynthWords.Shapes)
            {
                yield return $"a small {color} {shape} at the top left, a big {color} {shape} at the middle center";
                yield return $"There is no {color} {shape}.";
            }
            yield return $"There is no {color} object.";
        }
        foreach (var text in (string[])[.. SynthOffTopic.Greetings, .. SynthOffTopic.WhoQuestions, .. SynthOffTopic.AbilityQuestions, .. SynthOffTopic.GeneralQuestions, .. SynthOffTopic.PictureQuestions])
            yield return text;
        for (var i = 0; i < SynthOffTopic.Things.Length; i++)
        {
            yield return SynthOffTopic.Fill("Is there {a} {0}?", SynthOffTopic.Things[i]);
            yield return SynthOffTopic.Fill("How many {0}s are there?", SynthOffTopic.Things[i]);
            yield return SynthOffTopic.Fill(SynthOffTopic.ThingQuestions[i % SynthOffTopic.ThingQuestions.Length], SynthOffTopic.Things[i]);
        }
    }

    private static string Spell(SynthQuestionType type, string wording, int i)
    {
        var (color, shape) = (SynthWords.Colors[i], SynthWords.Shapes[i % 4]);
        var thing = i % 2 == 0 ? "object" : "thing";
        var noun = type switch
        {
            SynthQuestionType.Color => shape,
            SynthQuestionType.Shape => $"{color} {thing}",
            SynthQuestionType.CountColor => color,
            SynthQuestionType.CountShape => shape + "s",
            _ => $"{color} {shape}",
        };
        return SynthOffTopic.Fill(wording, noun).Replace("{1}", $"{color} {thing}", StringComparison.Ordinal);
    }

    private static IEnumerable<string> SplitWords(string text)
    {
        var word = new StringBuilder();
        foreach (var character in text)
        {
            if (char.IsLetter(character))
            {
                word.Append(character);
                continue;
            }
            if (word.Length > 0)
                yield return word.ToString();
            word.Clear();
        }
        if (word.Length > 0)
            yield return word.ToString();
    }

    private static SynthQuestion AskNext(SynthScene scene, SynthRandom random)
    {
        for (var attempt = 0; attempt < TriesPerTurn; attempt++)
        {
            if (SynthQuestionMaker.TryMake(random.Pick<SynthQuestionType>(_types), scene, random) is { } question && IsAnsweredByText(question, scene))
                return question;
        }
        return SynthQuestionMaker.TryMake(SynthQuestionType.CountAll, scene, random)!;
    }

    /// <summary>A description gives the order from left to right, but heights only by thirds.</summary>
    private static bool IsAnsweredByText(SynthQuestion question, SynthScene scene)
    {
        if (question.Type != SynthQuestionType.RelationVertical)
            return true;
        var subject = scene.Objects.First(question.Subject!.Value.Matches);
        var other = scene.Objects.First(question.Other!.Value.Matches);
        return subject.Cell / 3 != other.Cell / 3;
    }
}
