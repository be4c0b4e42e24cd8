using System.Text;
using System.Text.Json;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Constraints;

namespace LlavaSharp.Tests.Generation.Constraints;

public class JsonConstraintPropertyTests
{
    private const int Ample = 3000;

    [Fact]
    public void Answers_OfRandomSchemasAndRandomLogits_SatisfyTheSchema()
    {
        var random = new Random(11);
        var (ended, fed) = (0, 0);
        for (var i = 0; i < 400; i++)
        {
            var text = new RandomSchema(random).Next().ToJsonString();
            var schema = JsonElement.Parse(text);
            var constraint = JsonConstraint.ForSchema(Followed.Vocabulary, schema, new() { AllowSpaces = i % 2 == 0, MaxDepth = 12 });
            var (answer, isWhole) = Followed.Roll(constraint, random, Ample);
            fed++;
            Assert.True(isWhole, $"{text} goes on with {answer[^Math.Min(answer.Length, 300)..]}");
            ended++;
            using var document = JsonDocument.Parse(answer);
            Assert.True(SchemaJudge.Fault(schema, document.RootElement) is not { } fault, $"{answer} does not satisfy {text}");
        }
        Assert.Equal(fed, ended);
    }

    [Fact]
    public void Answers_OfAnyObject_AreObjects()
    {
        var random = new Random(12);
        var constraint = JsonConstraint.ForAnyObject(Followed.Vocabulary, new() { MaxDepth = 4 });
        for (var i = 0; i < 60; i++)
        {
            var (answer, isWhole) = Followed.Roll(constraint, random, 20_000, closing: 6);
            Assert.True(isWhole, answer[..Math.Min(answer.Length, 300)]);
            using var document = JsonDocument.Parse(answer);
            Assert.Equal(JsonValueKind.Object, document.RootElement.ValueKind);
        }
    }

    [Fact]
    public void Answers_CutOff_AreBeginningsOfValidOnes()
    {
        var random = new Random(13);
        for (var i = 0; i < 150; i++)
        {
            var constraint = JsonConstraint.ForSchema(Followed.Vocabulary, JsonElement.Parse(new RandomSchema(random).Next().ToJsonString()));
            var (cut, _) = Followed.Roll(constraint, random, random.Next(1, 12));
            // going on from the cut gives a whole answer
            var state = constraint.Begin();
            var bytes = Encoding.UTF8.GetBytes(cut.TrimEnd('\ufffd'));
            foreach (var value in bytes)
            {
                var id = Enumerable.Range(0, Followed.Vocabulary.Count).First(id => Followed.Vocabulary.TokenBytes(id) is [var single] && single == value);
                Assert.Contains(id, Followed.Logits(state));
                state.Accept(id);
            }
        }
    }

    [Fact]
    public void Sets_AreThoseOfTryingEveryToken()
    {
        var random = new Random(14);
        for (var i = 0; i < 25; i++)
        {
            var constraint = JsonConstraint.ForSchema(Followed.Vocabulary, JsonElement.Parse(new RandomSchema(random).Next().ToJsonString()));
            var state = constraint.Begin();
            for (var step = 0; step < 12 && !state.IsComplete; step++)
            {
                int[] allowed = [.. Followed.Logits(state).Where(id => id != Followed.End)];
                var rest = Enumerable.Range(0, Followed.Vocabulary.Count + 3).Except(allowed);
                Assert.All(rest.Where(_ => random.Next(4) == 0), id => Assert.Throws<GenerationException>(() => state.Accept(id)));
                if (allowed.Length == 0)
                    break;
                state.Accept(allowed[random.Next(allowed.Length)]);
            }
        }
    }

    [Fact]
    public void Constraint_UsedByManyThreads_GivesEachItsOwnAnswer()
    {
        var constraint = Followed.Schema("""{"type":"array","items":{"type":"string","maxLength":5},"minItems":3,"maxItems":5}""");
        Parallel.For(0, 8, i =>
        {
            var random = new Random(i);
            for (var round = 0; round < 5; round++)
            {
                var (answer, isWhole) = Followed.Roll(constraint, random, Ample);
                Assert.True(isWhole);
                using var document = JsonDocument.Parse(answer);
                Assert.InRange(document.RootElement.GetArrayLength(), 3, 5);
            }
        });
    }
}
