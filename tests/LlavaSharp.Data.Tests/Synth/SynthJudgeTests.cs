using LlavaSharp.Data.Synth;
using LlavaSharp.Evaluation.Synth;

namespace LlavaSharp.Data.Tests.Synth;

public class SynthJudgeTests
{
    private const string Two = "a big red circle at the top left, a small blue square at the middle center";

    [Theory]
    [InlineData(SynthQuestionType.Color, "red", "red")]
    [InlineData(SynthQuestionType.Color, "red", "The star is RED.")]
    [InlineData(SynthQuestionType.Color, "gray", "It is grey, not black.")]
    [InlineData(SynthQuestionType.Shape, "square", "The yellow object is a square.")]
    [InlineData(SynthQuestionType.Shape, "star", "stars")]
    [InlineData(SynthQuestionType.CountAll, "three", "There are three objects.")]
    [InlineData(SynthQuestionType.CountAll, "three", "3")]
    [InlineData(SynthQuestionType.CountColor, "zero", "zero")]
    [InlineData(SynthQuestionType.CountColor, "zero", "There are no red objects.")]
    [InlineData(SynthQuestionType.CountColor, "zero", "None.")]
    [InlineData(SynthQuestionType.CountShape, "one", "There is one circle, and no square.")]
    [InlineData(SynthQuestionType.Presence, "yes", "Yes, there is a red circle.")]
    [InlineData(SynthQuestionType.Presence, "yes", "There is a red circle.")]
    [InlineData(SynthQuestionType.Presence, "no", "No")]
    [InlineData(SynthQuestionType.Presence, "no", "There is no red circle.")]
    [InlineData(SynthQuestionType.Place, "top left", "top left")]
    [InlineData(SynthQuestionType.Place, "top left", "In the upper-left corner.")]
    [InlineData(SynthQuestionType.Place, "middle center", "The circle is in the center of the picture.")]
    [InlineData(SynthQuestionType.Place, "bottom center", "at the bottom, in the middle")]
    [InlineData(SynthQuestionType.Place, "middle left", "center left")]
    [InlineData(SynthQuestionType.Size, "big", "It's large.")]
    [InlineData(SynthQuestionType.Size, "small", "The red circle is small.")]
    [InlineData(SynthQuestionType.RelationHorizontal, "left", "The red circle is to the left of the blue square.")]
    [InlineData(SynthQuestionType.RelationVertical, "below", "Below")]
    [InlineData(SynthQuestionType.RelationVertical, "above", "It lies over the square.")]
    [InlineData(SynthQuestionType.Refusal, "There is no red circle.", "There is no red circle.")]
    [InlineData(SynthQuestionType.Refusal, "There is no red circle.", "I do not see a red circle here.")]
    [InlineData(SynthQuestionType.Refusal, "There is no red circle.", "There isn\u2019t a red circle in the picture.")]
    [InlineData(SynthQuestionType.Refusal, "There is no yellow object.", "There is no such object.")]
    [InlineData(SynthQuestionType.Refusal, "There is no yellow object.", "There is no yellow object next to the red circle.")]
    [InlineData(SynthQuestionType.Refusal, "There is no red circle.", "I see a blue square, but there is no red circle.")]
    [InlineData(SynthQuestionType.Refusal, "There is no red circle.", "A red circle is not visible.")]
    [InlineData(SynthQuestionType.OutOfWorld, SynthOffTopic.OnlyShapes, SynthOffTopic.OnlyShapes)]
    [InlineData(SynthQuestionType.OutOfWorld, SynthOffTopic.OnlyShapes, SynthOffTopic.Abilities)]
    [InlineData(SynthQuestionType.OutOfWorld, SynthOffTopic.OnlyShapes, "Sorry, I can describe pictures of shapes only.")]
    [InlineData(SynthQuestionType.Describe, Two, Two)]
    [InlineData(SynthQuestionType.Describe, Two, "A small blue square at the middle center and a big red circle at the top left.")]
    [InlineData(SynthQuestionType.Describe, Two, "There are two objects: in the top left a big red circle, in the center a small blue square.")]
    [InlineData(SynthQuestionType.Describe, "a big red circle at the top left, a big red circle at the top left", "a big red circle at the top left; a big red circle at the top left")]
    public void IsRight_RightAnswer_True(SynthQuestionType type, string expected, string answer) =>
        Assert.True(SynthJudge.IsRight(type, expected, answer));

    [Theory]
    [InlineData(SynthQuestionType.Color, "red", "")]
    [InlineData(SynthQuestionType.Color, "red", "blue")]
    [InlineData(SynthQuestionType.Color, "red", "The star is blue, not red.")]
    [InlineData(SynthQuestionType.Color, "red", "covered")]
    [InlineData(SynthQuestionType.Color, "red", "There is no red circle.")]
    [InlineData(SynthQuestionType.Shape, "star", "circle")]
    [InlineData(SynthQuestionType.CountAll, "three", "There are two objects, not three.")]
    [InlineData(SynthQuestionType.CountAll, "three", "many")]
    [InlineData(SynthQuestionType.CountAll, "one", "none")]
    [InlineData(SynthQuestionType.CountColor, "zero", "one")]
    [InlineData(SynthQuestionType.Presence, "yes", "no")]
    [InlineData(SynthQuestionType.Presence, "no", "Yes, there is.")]
    [InlineData(SynthQuestionType.Presence, "yes", "maybe yes")]
    [InlineData(SynthQuestionType.Place, "top left", "top")]
    [InlineData(SynthQuestionType.Place, "top left", "top right")]
    [InlineData(SynthQuestionType.Place, "middle center", "top center")]
    [InlineData(SynthQuestionType.Place, "top left", "There is no circle at the top left.")]
    [InlineData(SynthQuestionType.Size, "big", "small")]
    [InlineData(SynthQuestionType.RelationHorizontal, "left", "right")]
    [InlineData(SynthQuestionType.RelationHorizontal, "left", "above")]
    [InlineData(SynthQuestionType.RelationVertical, "above", "left")]
    [InlineData(SynthQuestionType.Refusal, "There is no red circle.", "red")]
    [InlineData(SynthQuestionType.Refusal, "There is no red circle.", "There is no blue circle.")]
    [InlineData(SynthQuestionType.Refusal, "There is no red circle.", "top left")]
    [InlineData(SynthQuestionType.Refusal, "There is no square.", "There is no purple square.")]
    [InlineData(SynthQuestionType.Refusal, "There is no yellow object.", "There is no yellow square.")]
    [InlineData(SynthQuestionType.OutOfWorld, SynthOffTopic.OnlyShapes, "red")]
    [InlineData(SynthQuestionType.OutOfWorld, SynthOffTopic.OnlyShapes, "There are two circles and stars.")]
    [InlineData(SynthQuestionType.Describe, Two, "a big red circle at the top left")]
    [InlineData(SynthQuestionType.Describe, Two, Two + ", a small red star at the top right")]
    [InlineData(SynthQuestionType.Describe, Two, "a big red circle at the top left, a small blue square at the middle left")]
    [InlineData(SynthQuestionType.Describe, Two, "a red circle at the top left, a small blue square at the middle center")]
    [InlineData(SynthQuestionType.Describe, Two, "a big red circle at the top left, a big red circle at the top left")]
    public void IsRight_WrongAnswer_False(SynthQuestionType type, string expected, string answer) =>
        Assert.False(SynthJudge.IsRight(type, expected, answer));

    [Fact]
    public void CompareDescriptions_SomeRight_CountsThem()
    {
        Assert.Equal((1, 2, 3), SynthJudge.CompareDescriptions(Two, "a big red circle at the top left, a big blue square at the middle center, a small black star at the top right"));
    }

    [Fact]
    public void IsRight_EveryGeneratedAnswer_IsRightForItsOwnQuestionAndForNoOther()
    {
        var generator = new SynthConversationGenerator(5);
        var questions = Enumerable.Range(0, 500).SelectMany(i => generator.Create(i).Turns).ToArray();
        Assert.All(questions, question => Assert.True(SynthJudge.IsRight(question.Type, question.Answer, question.Answer)));
        foreach (var group in questions.GroupBy(question => question.Type).Where(group => group.Key != SynthQuestionType.OutOfWorld))
        {
            var answers = group.Select(question => question.Answer).Distinct().Take(60).ToArray();
            foreach (var expected in answers)
                Assert.Equal([expected], answers.Where(answer => SynthJudge.IsRight(group.Key, expected, answer)));
        }
    }

    [Fact]
    public void Report_SomeAnswers_CountsByType()
    {
        var scorer = new SynthScorer();
        Assert.True(scorer.Add(SynthQuestionType.Color, "red", "Red."));
        Assert.False(scorer.Add(SynthQuestionType.Color, "red", "blue"));
        Assert.True(scorer.Add(SynthQuestionType.Presence, "no", "no"));
        Assert.False(scorer.Add(SynthQuestionType.Describe, Two, "a big red circle at the top left"));
        var report = scorer.Report();
        Assert.Equal([new(SynthQuestionType.Color, 1, 2), new(SynthQuestionType.Presence, 1, 1), new SynthTypeScore(SynthQuestionType.Describe, 0, 1)], report.Types);
        Assert.Equal((2, 3), (report.Right, report.Asked));
        Assert.Equal(0.5, report.ObjectRecall);
        Assert.Equal(0, report.WholeDescriptions.Share);
        Assert.Equal(
            """
            question               right   asked   share
            color                      1       2  50.0 %
            presence                   1       1 100.0 %
            all                        2       3  66.7 %
            whole descriptions         0       1   0.0 %
            objects described          1       2  50.0 %

            """.ReplaceLineEndings("\n"),
            report.ToTable());
    }

    [Fact]
    public async Task RunAsync_PerfectModel_IsAlwaysRight()
    {
        var generator = new SynthConversationGenerator(21);
        var answers = Enumerable.Range(0, 60).SelectMany(i => generator.Create(i).Turns).ToList();
        var at = 0;
        var output = new StringWriter();
        var evaluator = new SynthEvaluator((prompt, _) =>
        {
            Assert.Empty(prompt.History);
            Assert.Equal(answers[at].Text, prompt.Question);
            return Task.FromResult(answers[at++].Answer);
        });
        var report = await evaluator.RunAsync(21, 60, null, output, TestContext.Current.CancellationToken);
        Assert.Equal(answers.Count, at);
        Assert.Equal((1, 1, 1), (report.Overall, report.WholeDescriptions.Share, report.ObjectRecall));
        Assert.Equal(answers.Count, report.Asked + report.WholeDescriptions.Asked);
        Assert.Equal(report.ToTable(), output.ToString());
    }

    [Fact]
    public async Task RunAsync_KeepConversation_HandsTheModelItsOwnAnswers()
    {
        var lengths = new List<int>();
        var outcomes = new List<SynthOutcome>();
        var evaluator = new SynthEvaluator((prompt, _) =>
        {
            lengths.Add(prompt.History.Count);
            Assert.All(prompt.History, turn => Assert.Equal("red", turn.Answer));
            Assert.NotNull(prompt.Picture);
            return Task.FromResult("red");
        });
        var options = new SynthEvaluatorOptions
        {
            KeepConversation = true,
            Conversations = new() { OffTopicPictureShare = 0, TextOnlyShare = 0 },
            Answered = outcomes.Add,
        };
        var report = await evaluator.RunAsync(4, 2, options, null, TestContext.Current.CancellationToken);
        Assert.Equal([0, 1, 2, 3, 4, 0, 1, 2, 3, 4], lengths);
        Assert.Equal(10, outcomes.Count);
        Assert.Equal(report.Right + report.WholeDescriptions.Right, outcomes.Count(outcome => outcome.IsRight));
    }
}
