using System.Text.Json;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Generation.Constraints;
using LlavaSharp.Tests.Generation.Constraints;

namespace LlavaSharp.Tests.Chat;

/// <summary>The model and the engine hold answers to JSON, also where tokens are guessed.</summary>
public sealed class ConstrainedAnswerTests(EmbeddedModels models) : IClassFixture<EmbeddedModels>
{
    private static readonly JsonElement _schema = JsonElement.Parse("""
        {"type":"object","properties":{"colour":{"enum":["red","green","blue"]},"count":{"type":"integer","minimum":0,"maximum":20},"note":{"type":"string","maxLength":12},"likely":{"type":"number","minimum":0,"maximum":1}},"required":["colour","count","note"]}
        """);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task Model_Schema_HoldsToIt(bool packed, bool guesses)
    {
        using var model = models.Load(packed, new() { PromptLookup = guesses });
        Assert.Equal(guesses, model.UsesPromptLookup);
        var guessed = 0;
        foreach (var request in Requests(model))
        {
            var result = await model.CompleteAsync(request, Token);
            Assert.Equal(FinishReason.Stop, result.FinishReason);
            Assert.Null(SchemaJudge.Fault(_schema, JsonElement.Parse(result.Text)));
            guessed += result.Saved.AnswerTokens;
        }
        Assert.True(!guesses || guessed > 0);
    }

    [Fact]
    public async Task Engine_SchemasBesideFreeAnswers_HoldsEachToItsOwn()
    {
        using var model = models.Load(packed: false);
        await using var engine = new BatchingEngine(model, new() { MaxRunning = 4, PagePositions = 16, CacheBytes = 3 << 20 });
        var free = model.CreateRequest("What do you see?", [EmbeddedModels.Scene], EmbeddedModels.Greedy);
        var alone = await Generation.Batching.BatchingEngineTests.CompleteAsync(engine, free);
        var all = await Task.WhenAll(Requests(model).Append(free).Select(request => Generation.Batching.BatchingEngineTests.CompleteAsync(engine, request)));
        Assert.Equal(alone.Text, all[^1].Text);
        Assert.All(all[..^1], result =>
        {
            Assert.Equal(FinishReason.Stop, result.FinishReason);
            Assert.Null(SchemaJudge.Fault(_schema, JsonElement.Parse(result.Text)));
        });
    }

    [Fact]
    public async Task Model_CutOff_GivesTheBeginning()
    {
        using var model = models.Load(packed: false);
        var whole = Requests(model)[0];
        var full = await model.CompleteAsync(whole, Token);
        var cut = await model.CompleteAsync(whole with { Options = whole.Options with { MaxNewTokens = 6 } }, Token);
        Assert.Equal(FinishReason.Length, cut.FinishReason);
        Assert.StartsWith(cut.Text, full.Text, StringComparison.Ordinal);
    }

    private static List<GenerationRequest> Requests(LlavaModel model)
    {
        var constraint = JsonConstraint.ForSchema(model.Tokenizer, _schema);
        return [.. Enumerable.Range(0, 8).Select(i => model.CreateRequest(
            "Which colour is the square? Say {\"colour\":\"red\",\"count\":1,\"note\":\"\"}",
            i % 2 == 0 ? [EmbeddedModels.Scene] : [],
            new() { Temperature = i * 0.3, Seed = (ulong)i, MaxNewTokens = 200, Constraint = constraint }))];
    }
}
