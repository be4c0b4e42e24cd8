using LlavaSharp.Data.Synth;

namespace LlavaSharp.Data.Tests.Synth;

public class SynthConversationTests
{
    private const string Short = "\nAnswer the question using a single word or phrase.";

    private static readonly SynthConversation[] _many = Make(11, 6000);

    [Fact]
    public void Create_EveryQuestionAboutAScene_HasTheAnswerThatTheSceneGives()
    {
        var types = new HashSet<SynthQuestionType>();
        foreach (var conversation in _many.Where(conversation => conversation.Scene is not null))
        {
            foreach (var question in conversation.Turns)
            {
                types.Add(question.Type);
                if (question.Type == SynthQuestionType.OutOfWorld)
                    Assert.Equal(SynthOffTopic.OnlyShapes, question.Answer);
                else
                    Assert.Equal((question.Type, question.Answer), SynthOracle.Answer(conversation.Scene!, question.Text));
            }
        }
        Assert.Equal(13, types.Count);
    }

    [Fact]
    public void Create_RelationsAsked_DifferClearly()
    {
        foreach (var conversation in _many.Where(conversation => conversation.Scene is not null))
        {
            foreach (var question in conversation.Turns.Where(turn => turn.Type is SynthQuestionType.RelationHorizontal or SynthQuestionType.RelationVertical))
            {
                var first = Assert.Single(conversation.Scene!.Objects, question.Subject!.Value.Matches);
                var second = Assert.Single(conversation.Scene.Objects, question.Other!.Value.Matches);
                var difference = question.Type == SynthQuestionType.RelationHorizontal ? first.CenterX - second.CenterX : first.CenterY - second.CenterY;
                Assert.True(Math.Abs(difference) >= 0.05 * Math.Min(conversation.Scene.Width, conversation.Scene.Height));
            }
        }
    }

    [Fact]
    public void Create_SameSeedAndIndex_SameConversationOnAnyThread()
    {
        var shared = new SynthConversationGenerator(11);
        var texts = new string[300];
        Parallel.For(0, texts.Length, i => texts[i] = Text(shared.Create(i)));
        Assert.Equal(_many.Take(300).Select(Text), texts);
    }

    [Theory]
    [InlineData("What color is the {shape}?")]
    [InlineData("Which color is the {shape}?")]
    [InlineData("What shape is the {color} object?")]
    [InlineData("How many objects are there?")]
    [InlineData("How many shapes are in the picture?")]
    [InlineData("How many {color} objects are there?")]
    [InlineData("How many {shape}s are there?")]
    [InlineData("Is there {a} {color} {shape}?")]
    [InlineData("Where is the {color} {shape}?")]
    [InlineData("Is the {color} {shape} big or small?")]
    [InlineData("Is the {color} {shape} left or right of the {color} {shape}?")]
    [InlineData("Is the {color} {shape} above or below the {color} {shape}?")]
    [InlineData("What is in the picture?")]
    [InlineData("Describe the image.")]
    public void Create_ManyConversations_AskInTheseWords(string form)
    {
        var pattern = "^" + form.Replace("?", "\\?").Replace(".", "\\.")
            .Replace("{a}", "(a|an)").Replace("{color}", "(red|green|blue|yellow|purple|orange|black|gray)").Replace("{shape}", "(circle|square|triangle|star)") + "$";
        var questions = _many.SelectMany(conversation => conversation.Turns).Where(turn => System.Text.RegularExpressions.Regex.IsMatch(turn.Text.Replace(Short, ""), pattern)).ToArray();
        Assert.True(questions.Length >= 40, $"asked {questions.Length} times");
        Assert.Contains(questions, turn => turn.Text.EndsWith(Short));
        Assert.Contains(questions, turn => !turn.Text.EndsWith(Short));
    }

    [Fact]
    public void Create_Articles_FollowTheWord()
    {
        var texts = _many.SelectMany(conversation => conversation.Turns).Select(turn => turn.Text.ToLowerInvariant()).ToArray();
        Assert.Contains(texts, text => text.Contains(" an orange "));
        Assert.Contains(texts, text => text.Contains(" a red "));
        Assert.DoesNotContain(texts, text => System.Text.RegularExpressions.Regex.IsMatch(text, @"\ba [aeiou]|\ban [^aeiou]"));
    }

    [Fact]
    public void Create_Defaults_FollowTheRecipe()
    {
        var scenes = _many.Where(conversation => conversation.Scene is not null).ToArray();
        Assert.All(scenes, conversation => Assert.Equal(5, conversation.Turns.Count));
        Assert.All(scenes, conversation => Assert.InRange(conversation.Turns.Count(turn => turn.Type == SynthQuestionType.Describe), 0, 1));
        Assert.InRange(Share(scenes, conversation => conversation.Turns.Any(turn => turn.Type == SynthQuestionType.Describe)), 0.62, 0.68);
        Assert.InRange(Share(scenes, conversation => conversation.Turns[0].Type == SynthQuestionType.Describe), 0.46, 0.58);
        Assert.InRange(Share(_many, conversation => conversation.OffTopic is not null), 0.035, 0.065);
        Assert.InRange(Share(_many, conversation => !conversation.HasPicture), 0.02, 0.045);
        Assert.All(_many.Where(conversation => conversation.Scene is null).SelectMany(conversation => conversation.Turns), turn => Assert.Contains(turn.Answer, SynthOffTopic.Answers));
        var presence = scenes.SelectMany(conversation => conversation.Turns).Where(turn => turn.Type == SynthQuestionType.Presence).ToArray();
        Assert.InRange(Share(presence, turn => turn.Answer == "yes"), 0.45, 0.55);
        foreach (var conversation in scenes)
        {
            var asked = conversation.Turns.Where(turn => turn.Type != SynthQuestionType.OutOfWorld).Select(turn => (turn.Type, turn.Subject, turn.Other)).ToArray();
            Assert.Equal(asked.Length, asked.Distinct().Count());
        }
    }

    [Fact]
    public void Create_OwnWeights_AskOnlyTheseTypes()
    {
        var options = new SynthConversationOptions
        {
            Turns = 3, DescribeShare = 0, OffTopicPictureShare = 0, TextOnlyShare = 0,
            Weights = new Dictionary<SynthQuestionType, double> { [SynthQuestionType.CountColor] = 1, [SynthQuestionType.Presence] = 1 },
        };
        var generator = new SynthConversationGenerator(1, options);
        var types = Enumerable.Range(0, 200).SelectMany(i => generator.Create(i).Turns).CountBy(turn => turn.Type).ToDictionary();
        Assert.Equal([SynthQuestionType.CountColor, SynthQuestionType.Presence], types.Keys.Order());
        Assert.Equal(600, types.Values.Sum());
    }

    [Fact]
    public void Create_TextOnly_GreetingsAreAnswered()
    {
        var turns = Make(3, 400, new() { TextOnlyShare = 1, OffTopicPictureShare = 0, ShortAnswerShare = 0, CarelessShare = 0 }).SelectMany(conversation => conversation.Turns).ToArray();
        Assert.Equal(SynthOffTopic.Greeting, turns.First(turn => turn.Text == "Hello").Answer);
        Assert.Equal(SynthOffTopic.Who, turns.First(turn => turn.Text == "Who are you?").Answer);
        Assert.Equal(SynthOffTopic.Abilities, turns.First(turn => turn.Text == "What can you do?").Answer);
        Assert.Equal(SynthOffTopic.OnlyShapes, turns.First(turn => turn.Text == "What is the capital of France?").Answer);
        Assert.Contains(turns, turn => turn.Answer == SynthOffTopic.NoPicture);
    }

    [Fact]
    public void AskOne_NoSuchQuestion_ReturnsNull()
    {
        var scene = new SynthSceneGenerator(1, new() { ObjectCountWeights = [1] }).Create(0);
        Assert.Null(SynthConversationGenerator.AskOne(SynthQuestionType.RelationHorizontal, scene, 1, 1));
        Assert.Equal("one", SynthConversationGenerator.AskOne(SynthQuestionType.CountAll, scene, 1, 1)!.Answer);
    }

    [Fact]
    public void Constructor_BadOptions_SaysWhichValue()
    {
        SynthConversationOptions[] bad =
        [
            new() { Turns = 0 }, new() { DescribeShare = 1.5 }, new() { CarelessShare = double.NaN }, new() { OffTopicPictureShare = 0.6, TextOnlyShare = 0.6 },
            new() { Weights = new Dictionary<SynthQuestionType, double>() }, new() { Scenes = new() { MinSide = 1 } },
        ];
        Assert.All(bad, options => Assert.Contains("must", Assert.Throws<LlavaException>(() => new SynthConversationGenerator(0, options)).Message));
    }

    private static SynthConversation[] Make(long seed, int count, SynthConversationOptions? options = null)
    {
        var generator = new SynthConversationGenerator(seed, options);
        return [.. Enumerable.Range(0, count).Select(i => generator.Create(i))];
    }

    private static double Share<T>(IReadOnlyCollection<T> items, Func<T, bool> condition) => items.Count(condition) / (double)items.Count;

    private static string Text(SynthConversation conversation) =>
        $"{conversation.OffTopic} {(conversation.Scene is { } scene ? SynthWords.Describe(scene) : "")}: {string.Join('|', conversation.Turns)}";
}
