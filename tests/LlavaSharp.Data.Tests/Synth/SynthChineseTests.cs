using LlavaSharp.Data.Synth;
using LlavaSharp.Evaluation.Synth;

namespace LlavaSharp.Data.Tests.Synth;

public class SynthChineseTests
{
    private static readonly SynthConversationOptions _chinese = new() { ChineseShare = 1 };

    [Fact]
    public void Create_ChineseConversations_HaveTheAnswersOfTheScene()
    {
        var generator = new SynthConversationGenerator(31, _chinese);
        var types = new HashSet<SynthQuestionType>();
        for (var index = 0; index < 2000; index++)
        {
            var conversation = generator.Create(index);
            foreach (var question in conversation.Turns)
            {
                types.Add(question.Type);
                Assert.DoesNotMatch("[A-Za-z{}]", question.Text + question.Answer);
                if (question.Type == SynthQuestionType.OutOfWorld)
                {
                    Assert.Equal(SynthChinese.OnlyShapes, question.Answer);
                    Assert.True(SynthJudge.IsRight(question.Type, SynthOffTopic.OnlyShapes, question.Answer));
                    continue;
                }
                var expected = SynthOracle.Answer(conversation.Scene!, InEnglish(question));
                Assert.Equal(question.Type, expected.Type);
                Assert.True(SynthJudge.IsRight(question.Type, expected.Answer, question.Answer), $"{question.Text} {expected.Answer} {question.Answer}");
                Assert.True(SynthJudge.IsRight(question.Type, question.Answer, question.Answer));
            }
        }
        Assert.Equal(13, types.Count);
    }

    [Fact]
    public void Create_Default_HasNoChinese()
    {
        var generator = new SynthConversationGenerator(31);
        Assert.All(Enumerable.Range(0, 500).SelectMany(i => generator.Create(i).Turns), turn => Assert.DoesNotMatch("[\u4E00-\u9FFF]", turn.Text + turn.Answer));
    }

    [Theory]
    [InlineData(SynthQuestionType.Color, "红色", "是红色的。", true)]
    [InlineData(SynthQuestionType.Color, "红色", "蓝色", false)]
    [InlineData(SynthQuestionType.CountAll, "三个", "图中有三个物体。", true)]
    [InlineData(SynthQuestionType.CountAll, "三个", "两个", false)]
    [InlineData(SynthQuestionType.CountColor, "零个", "没有", true)]
    [InlineData(SynthQuestionType.Presence, "有", "没有", false)]
    [InlineData(SynthQuestionType.Presence, "没有", "图中没有红色圆形。", true)]
    [InlineData(SynthQuestionType.Place, "正中", "在中间", true)]
    [InlineData(SynthQuestionType.Place, "左上", "右上", false)]
    [InlineData(SynthQuestionType.Refusal, "图中没有红色圆形。", "没有红色圆形", true)]
    [InlineData(SynthQuestionType.Refusal, "图中没有红色圆形。", "图中没有蓝色圆形。", false)]
    [InlineData(SynthQuestionType.Describe, "左上一个大红色圆形，正中一个小蓝色正方形", "正中一个小蓝色正方形，左上一个大红色圆形。", true)]
    [InlineData(SynthQuestionType.Describe, "左上一个大红色圆形，正中一个小蓝色正方形", "左上一个大红色圆形，正中一个小蓝色三角形", false)]
    public void IsRight_ChineseAnswers_AreJudgedByTheSameRules(SynthQuestionType type, string expected, string answer, bool right) =>
        Assert.Equal(right, SynthJudge.IsRight(type, expected, answer));

    [Fact]
    public void Characters_WithChinese_HoldEverythingThatConversationsUse()
    {
        var characters = SynthTextCorpus.Characters(chinese: true).ToHashSet();
        var texts = SynthTextCorpus.TokenizerTexts(2, 3000, _chinese).ToArray();
        Assert.All(texts, text => Assert.Subset(characters, text.ToHashSet()));
        Assert.DoesNotContain('红', SynthTextCorpus.Characters());
    }

    private static string InEnglish(SynthQuestion question)
    {
        var (noun, other) = (question.Subject?.Noun, question.Other?.Noun);
        return question.Type switch
        {
            SynthQuestionType.Color => $"What color is the {noun}?",
            SynthQuestionType.Shape => $"What shape is the {noun}?",
            SynthQuestionType.CountAll => "How many objects are there?",
            SynthQuestionType.CountColor or SynthQuestionType.CountShape => $"How many {noun}s are there?",
            SynthQuestionType.Presence => $"Is there a {noun}?",
            SynthQuestionType.Place => $"Where is the {noun}?",
            SynthQuestionType.Size => $"Is the {noun} big or small?",
            SynthQuestionType.RelationVertical => $"Is the {noun} above or below the {other}?",
            SynthQuestionType.Describe => "Describe the image.",
            _ => other is null ? $"Where is the {noun}?" : $"Is the {noun} left or right of the {other}?",
        };
    }
}
