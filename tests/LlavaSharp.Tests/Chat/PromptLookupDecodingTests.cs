using LlavaSharp.Generation;
using LlavaSharp.Prompts;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Chat;

public sealed class PromptLookupDecodingTests(EmbeddedModels models) : IClassFixture<EmbeddedModels>
{
    private const string Answer =
        "a big green star at the top left, a small blue triangle at the middle left, a small orange square at the middle right, a small purple circle at the bottom left";

    [Theory]
    [InlineData(true, "auto", null, true)]
    [InlineData(true, "8bit", null, true)]
    [InlineData(true, "dense", null, false)]
    [InlineData(false, "auto", null, false)]
    [InlineData(false, "16bit", null, false)]
    [InlineData(false, "dense", true, true)]
    [InlineData(true, "auto", false, false)]
    public void UsesPromptLookup_NotSaid_IsWhereItCannotChangeAnAnswer(bool packed, string cache, bool? said, bool expected)
    {
        using var model = models.Load(packed, new() { KeyValueCache = cache, PromptLookup = said });

        Assert.Equal(expected, model.UsesPromptLookup);
    }

    [Theory]
    [InlineData("16bit")]
    [InlineData("8bit")]
    public void Generate_PackedWeightsAndIntegerCache_HasTheSameBitsAtEveryStep(string cache)
    {
        using var model = models.Load(packed: true, new() { KeyValueCache = cache });
        var request = Request(model);

        var (wanted, wantedLogits) = Generate(model, request, promptLookup: false);
        var (found, foundLogits) = Generate(model, request, promptLookup: true);

        Assert.Equal(0, wanted.GuessedTokens);
        Assert.InRange(found.GuessedTokens, found.Ids.Count / 2, found.Ids.Count);
        Assert.Equal(wanted.Ids, found.Ids);
        Assert.Equal(wantedLogits.Count, foundLogits.Count);
        for (var step = 0; step < wantedLogits.Count; step++)
            Assert.True(wantedLogits[step].AsSpan().SequenceEqual(foundLogits[step]), $"the logits of step {step} differ");
    }

    [Theory]
    [InlineData("dense")]
    [InlineData("16bit")]
    public async Task Complete_DenseWeights_AnswersTheSame(string cache)
    {
        using var model = models.Load(packed: false, new() { KeyValueCache = cache, PromptLookup = true });
        var request = Request(model);

        var result = await model.CompleteAsync(request, TestContext.Current.CancellationToken);

        Assert.InRange(result.Saved.AnswerTokens, 10, result.OutputIds.Count);
        EmbeddedModels.AssertSame(model, request, result);
    }

    [Fact]
    public async Task Complete_EndsInsideAGuessedRun_EndsThereAsWithoutGuesses()
    {
        using var guessing = models.Load(packed: true, new() { PrefixReuse = false });
        using var plain = models.Load(packed: true, new() { PrefixReuse = false, PromptLookup = false });
        var all = EmbeddedModels.Greedy;
        var guessed = 0;
        foreach (var options in new[]
        {
            all, all with { MaxNewTokens = 1 }, all with { MaxNewTokens = 13 }, all with { MaxNewTokens = 14 },
            all with { StopStrings = ["triangle"] }, all with { StopStrings = ["t the middle r"] }, all with { RepetitionPenalty = 1.3 },
            all with { Temperature = 1.5, TopP = 0.9, Seed = 6 },
        })
        {
            var (found, foundPieces) = await StreamAsync(guessing, options);
            var (wanted, wantedPieces) = await StreamAsync(plain, options);

            Assert.Equal(wanted.OutputIds, found.OutputIds);
            Assert.Equal((wanted.Text, wanted.FinishReason), (found.Text, found.FinishReason));
            Assert.Equal(wantedPieces, foundPieces);
            Assert.Equal(0, wanted.Saved.AnswerTokens);
            guessed += found.Saved.AnswerTokens;
        }
        Assert.InRange(guessed, 40, int.MaxValue);
    }

    [Fact]
    public void Generate_EndsInsideAGuessedRun_KeepsNothingBehindIt()
    {
        using var model = models.Load(packed: true);
        var language = model.Checkpoint.Network.Language;
        using var sequence = new CachedSequence(() => new(language.Layers, language.CacheFormat));
        var request = Request(model);
        for (var most = 12; most < 20; most++)
        {
            var generated = Generate(model, request with { Options = EmbeddedModels.Greedy with { MaxNewTokens = most } }, true, sequence).Generated;

            // the last id was chosen, but not computed
            Assert.Equal(sequence.Length, sequence.Cache.Length);
            Assert.Equal(generated.Ids.SkipLast(1), sequence.Contents[^(most - 1)..].ToArray().Select(key => key.Id));
        }
        Assert.ThrowsAny<OperationCanceledException>(() => Generate(model, request, true, sequence, cancelAfter: 14));
        Assert.Equal(sequence.Length, sequence.Cache.Length);
    }

    [Fact]
    public async Task Send_TurnsThatRepeatEachOther_AnswerAsFromNothing()
    {
        using var model = models.Load(packed: true);
        var session = new ChatSession(model, options: EmbeddedModels.Greedy);
        session.AddImage(EmbeddedModels.Scene);
        for (var turn = 0; turn < 3; turn++)
        {
            await foreach (var _ in session.SendAsync("What is in the picture?", cancellationToken: TestContext.Current.CancellationToken))
            {
            }
            var result = session.LastResult!;
            EmbeddedModels.AssertSame(model, new() { Prompt = result.Prompt, Images = [EmbeddedModels.Scene], Options = EmbeddedModels.Greedy }, result);
            Assert.Equal(turn > 0, result.Saved.AnswerTokens >= 10);
        }
    }

    private static GenerationRequest Request(LlavaModel model)
    {
        var conversation = ConversationTemplates.Get(model.TemplateName);
        conversation.Append(conversation.Roles[0], model.WithMarkers("What is in the picture?", 1));
        conversation.Append(conversation.Roles[1], Answer);
        conversation.Append(conversation.Roles[0], "What is in the picture?");
        conversation.Append(conversation.Roles[1], null);
        return new() { Prompt = conversation.GetPrompt(), Images = [EmbeddedModels.Scene], Options = EmbeddedModels.Greedy };
    }

    private static (GeneratedIds Generated, List<float[]> Logits) Generate(
        LlavaModel model, GenerationRequest request, bool promptLookup, CachedSequence? kept = null, int? cancelAfter = null) => model.OnModelThread(() =>
    {
        var logits = new List<float[]>();
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var cancellation = new CancellationTokenSource();
        var pixels = model.PreparePixels(request.Images);
        using var merged = model.Merge(model.EncodePrompt(request.Prompt, request.Images.Count), pixels);
        var generated = model.CreateGenerator(kept, promptLookup).Generate(merged, request.Options.Resolve(), observe: step =>
        {
            logits.Add(step);
            if (logits.Count == cancelAfter)
                cancellation.Cancel();
        }, pictures: [.. pixels.Select(picture => picture.ContentHash())], cancellation: cancellation.Token);
        return (generated, logits);
    });

    private static async Task<(GenerationResult Result, List<string> Pieces)> StreamAsync(LlavaModel model, GenerationOptions options)
    {
        GenerationResult? result = null;
        var pieces = new List<string>();
        await foreach (var update in model.GenerateAsync(Request(model) with { Options = options }, TestContext.Current.CancellationToken))
        {
            result = update.Result ?? result;
            pieces.Add(update.Text);
        }
        return (result!, pieces);
    }
}
