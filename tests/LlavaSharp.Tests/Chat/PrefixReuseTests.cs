using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Chat;

public sealed class PrefixReuseTests(EmbeddedModels models) : IClassFixture<EmbeddedModels>
{
    private static readonly Image s_other = Image.Load(TestFiles.Golden("checkpoints", "pictures", "wide.png"));

    [Theory]
    [InlineData(false, "dense")]
    [InlineData(false, "16bit")]
    [InlineData(false, "8bit")]
    [InlineData(true, "16bit")]
    [InlineData(true, "8bit")]
    public async Task Send_ThreeTurns_AnswerAsFromNothingAndComputeOnlyWhatIsNew(bool packed, string cache)
    {
        using var model = models.Load(packed, new() { KeyValueCache = cache });
        var session = new ChatSession(model, options: EmbeddedModels.Greedy);
        session.AddImage(EmbeddedModels.Scene);
        var held = 0;
        foreach (var question in new[] { "What is in the picture?", "What color is the star?", "How many objects are there?" })
        {
            var pictures = session.Images.Count + session.PendingImages.Count;
            await foreach (var _ in session.SendAsync(question, cancellationToken: TestContext.Current.CancellationToken))
            {
            }
            var result = session.LastResult!;
            EmbeddedModels.AssertSame(model, new() { Prompt = result.Prompt, Images = [.. Enumerable.Repeat(EmbeddedModels.Scene, pictures)], Options = EmbeddedModels.Greedy }, result);
            Assert.InRange(result.Saved.PromptTokens, held, result.PromptTokens - 1);
            // the whole prompt of this turn, and what of the answer has the same ids when it is read again
            held = result.PromptTokens;
        }
    }

    [Fact]
    public async Task Complete_SamePromptAgain_ComputesItsLastPositionAlone()
    {
        using var model = models.Load(packed: false);
        var first = await AskAsync(model, "What is in the picture?");

        var second = await AskAsync(model, "What is in the picture?");

        Assert.Equal(0, first.Saved.PromptTokens);
        Assert.Equal(second.PromptTokens - 1, second.Saved.PromptTokens);
    }

    [Fact]
    public async Task Complete_EditedQuestionAndOtherPicture_KeepWhatIsBeforeTheChange()
    {
        using var model = models.Load(packed: false);
        var before = model.EncodePrompt(model.CreatePrompt("", 1), 1).TakeWhile(id => id >= 0).Count();
        var features = (await AskAsync(model, "What is in the picture?")).PromptTokens - model.EncodePrompt(model.CreatePrompt("What is in the picture?", 1), 1).Length + 1;

        var edited = await AskAsync(model, "Where is the star?");
        var other = await AskAsync(model, "Where is the star?", s_other);
        var back = await AskAsync(model, "Where is the star?");

        Assert.InRange(edited.Saved.PromptTokens, before + features, before + features + 4);
        Assert.Equal(before, other.Saved.PromptTokens);
        Assert.Equal(before, back.Saved.PromptTokens);
    }

    [Fact]
    public async Task Complete_WithoutPrefixReuse_ComputesEverything()
    {
        using var model = models.Load(packed: false, new() { PrefixReuse = false });
        await AskAsync(model, "What is in the picture?");

        Assert.Equal(0, (await AskAsync(model, "What is in the picture?")).Saved.PromptTokens);
    }

    [Fact]
    public async Task Complete_BeamSearchBetween_NeitherUsesNorSpoilsWhatIsKept()
    {
        using var model = models.Load(packed: true);
        var plain = await AskAsync(model, "What is in the picture?");

        var beams = await AskAsync(model, "What is in the picture?", options: EmbeddedModels.Greedy with { NumBeams = 2, MaxNewTokens = 8 });
        var again = await AskAsync(model, "What is in the picture?");

        Assert.Equal(0, beams.Saved.PromptTokens);
        Assert.Equal(again.PromptTokens - 1, again.Saved.PromptTokens);
        Assert.Equal(plain.OutputIds, again.OutputIds);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Complete_CancelledInTheMiddle_NextAnswerIsAsFromNothing(bool packed)
    {
        using var model = models.Load(packed);
        var request = Request(model, "What is in the picture?");
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in model.GenerateAsync(request, cancellation.Token))
                if (update.Text.Length > 0)
                    await cancellation.CancelAsync();
        });

        var result = await model.CompleteAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(result.PromptTokens - 1, result.Saved.PromptTokens);
        EmbeddedModels.AssertSame(model, request, result);
    }

    [Fact]
    public void Generate_ErrorInTheMiddle_DropsWhatIsKept()
    {
        using var model = models.Load(packed: false);
        using var sequence = new CachedSequence(() => new(model.Checkpoint.Network.Language.Layers));

        Assert.Throws<InvalidDataException>(() => model.OnModelThread(() =>
        {
            using var merged = model.Merge(model.EncodePrompt(model.CreatePrompt("Hello", 0), 0), []);
            var tokens = 0;
            return model.CreateGenerator(sequence).Generate(
                merged, EmbeddedModels.Greedy.Resolve(), (_, _) => ++tokens < 3 ? true : throw new InvalidDataException(), pictures: []);
        }));

        Assert.Equal(0, sequence.Length);
        Assert.Equal(0, sequence.Cache.Length);
    }

    [Fact]
    public async Task Complete_RotationsThatChangeWithTheLength_AreNotUsedBeyondTheTrainedContext()
    {
        var scaling = new Dictionary<string, JsonNode?>
        {
            ["max_position_embeddings"] = 64, ["rope_scaling"] = new JsonObject { ["type"] = "dynamic", ["factor"] = 4.0 },
        };
        using var model = models.Load(packed: false, new() { ConfigOverrides = scaling });
        var longer = "How many objects are there, and what is the color of the largest one of them, and where does it stand?";
        var shortOne = await CompleteAsync(model, model.CreatePrompt("Hi?", 0), []);
        var shortAgain = await CompleteAsync(model, model.CreatePrompt("Hi?", 0), []);
        var first = await CompleteAsync(model, model.CreatePrompt(longer, 0), []);
        var second = await CompleteAsync(model, model.CreatePrompt(longer, 0), []);

        Assert.True(shortOne.PromptTokens + shortOne.OutputIds.Count <= 64);
        Assert.Equal(shortAgain.PromptTokens - 1, shortAgain.Saved.PromptTokens);
        Assert.True(first.PromptTokens > 64);
        Assert.Equal([0, 0], [first.Saved.PromptTokens, second.Saved.PromptTokens]);
    }

    private static Task<GenerationResult> AskAsync(LlavaModel model, string question, Image? image = null, GenerationOptions? options = null) =>
        model.CompleteAsync(Request(model, question, image, options), TestContext.Current.CancellationToken);

    private static Task<GenerationResult> CompleteAsync(LlavaModel model, string prompt, IReadOnlyList<Image> images) =>
        model.CompleteAsync(new() { Prompt = prompt, Images = images, Options = EmbeddedModels.Greedy with { MaxNewTokens = 2 } }, TestContext.Current.CancellationToken);

    private static GenerationRequest Request(LlavaModel model, string question, Image? image = null, GenerationOptions? options = null) =>
        new() { Prompt = model.CreatePrompt(question, 1), Images = [image ?? EmbeddedModels.Scene], Options = options ?? EmbeddedModels.Greedy };
}
