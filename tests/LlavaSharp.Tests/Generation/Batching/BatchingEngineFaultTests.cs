using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Imaging;
using LlavaSharp.Tests.Chat;

namespace LlavaSharp.Tests.Generation.Batching;

public sealed class BatchingEngineFaultTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("usual", null)]
    [InlineData("window", """{"model_type": "llava_mistral", "sliding_window": 16}""")]
    [InlineData("dynamic angles", """{"rope_scaling": {"type": "dynamic", "factor": 4.0}, "max_position_embeddings": 32}""")]
    [InlineData("any resolution", """{"image_aspect_ratio": "anyres", "image_grid_pinpoints": [[112, 56], [56, 112]], "mm_patch_merge_type": "spatial"}""")]
    public async Task Generate_ModelsOfAllKinds_ChoosesAsTheModelAlone(string kind, string? config)
    {
        Assert.NotEmpty(kind);
        var overrides = config is null ? [] : JsonNode.Parse(config)!.AsObject().ToDictionary(pair => pair.Key, pair => pair.Value?.DeepClone());
        using var model = await LlavaModel.LoadAsync(TinyModel.Folder, TinyModel.Options with { ConfigOverrides = overrides }, Token);
        GenerationRequest[] requests = [.. new[] { "wide", "tall", "wide" }.Select((picture, i) => new GenerationRequest
        {
            Prompt = model.CreatePrompt($"What is number {i}?", 1),
            Images = [TinyModel.Picture(picture)],
            Options = TinyModel.Greedy,
        })];
        var alone = new List<GenerationResult>();
        foreach (var request in requests)
            alone.Add(await model.CompleteAsync(request, Token));
        await using var engine = new BatchingEngine(model, new() { CacheFormat = KeyValueFormat.Dense, MinChunk = 4, MaxChunk = 16, PagePositions = 8 });
        var together = await Task.WhenAll(requests.Select(request => BatchingEngineTests.CompleteAsync(engine, request)));
        Assert.Equal(alone.Select(result => string.Join(' ', result.OutputIds)), together.Select(result => string.Join(' ', result.OutputIds)));
    }

    [Fact]
    public async Task Generate_CallerLeaves_IsForgottenAndOthersGoOn()
    {
        await using var engine = new BatchingEngine(TinyModel.Shared);
        var other = BatchingEngineTests.CompleteAsync(engine, Request(60));
        var updates = 0;
        await foreach (var _ in engine.GenerateAsync(Request(500), Token))
            if (++updates == 3)
                break;
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in engine.GenerateAsync(Request(500), source.Token))
                await source.CancelAsync();
        });
        Assert.Equal(60, (await other).OutputIds.Count);
        await BatchingEngineTests.CompleteAsync(engine, Request(1));
        Assert.Equal((0, 0, 0), (engine.Statistics.Running, engine.Statistics.Waiting, engine.Statistics.PagesUsed));
    }

    [Fact]
    public async Task Generate_TooManyWait_IsRefusedAtOnce()
    {
        await using var engine = new BatchingEngine(TinyModel.Shared, new() { MaxRunning = 1, MaxWaiting = 1 });
        var running = engine.GenerateAsync(Request(200), Token).GetAsyncEnumerator(Token);
        await running.MoveNextAsync();
        var waiting = BatchingEngineTests.CompleteAsync(engine, Request(2));
        while (engine.Statistics.Waiting == 0)
            await Task.Delay(1, Token);
        await Assert.ThrowsAsync<EngineBusyException>(() => BatchingEngineTests.CompleteAsync(engine, Request(2)));
        await running.DisposeAsync();
        Assert.Equal(2, (await waiting).OutputIds.Count);
    }

    [Fact]
    public async Task Generate_SameQuestionAgain_SharesPromptAndPicture()
    {
        await using var engine = new BatchingEngine(TinyModel.Shared, new() { PagePositions = 8 });
        var first = await BatchingEngineTests.CompleteAsync(engine, Request(4, "tall"));
        var second = await BatchingEngineTests.CompleteAsync(engine, Request(4, "tall"));
        Assert.Equal(first.Text, second.Text);
        Assert.Equal(1, second.Saved.Images);
        Assert.InRange(second.Saved.PromptTokens, second.PromptTokens - 8, second.PromptTokens - 1);
    }

    [Fact]
    public async Task Generate_OneRequestIsWrong_OthersAreAnswered()
    {
        await using var engine = new BatchingEngine(TinyModel.Shared);
        var good = BatchingEngineTests.CompleteAsync(engine, Request(20));
        var bad = Request(20) with { Options = TinyModel.Greedy with { LogitBias = new Dictionary<int, float> { [1 << 20] = 1 } } };
        await Assert.ThrowsAsync<GenerationException>(() => BatchingEngineTests.CompleteAsync(engine, bad));
        await Assert.ThrowsAsync<GenerationException>(() => BatchingEngineTests.CompleteAsync(engine, Request(2) with { Adapter = "none" }));
        await Assert.ThrowsAsync<GenerationException>(() => BatchingEngineTests.CompleteAsync(engine, Request(2) with { Options = TinyModel.Greedy with { NumBeams = 2 } }));
        await Assert.ThrowsAsync<ContextLengthException>(() => BatchingEngineTests.CompleteAsync(engine, Request(2) with { Prompt = string.Concat(Enumerable.Repeat("word ", 3000)) }));
        await Assert.ThrowsAsync<ImageCountException>(() => BatchingEngineTests.CompleteAsync(engine, Request(2) with { Images = [TinyModel.Picture("wide")] }));
        Assert.Equal(20, (await good).OutputIds.Count);
        Assert.Empty((await BatchingEngineTests.CompleteAsync(engine, Request(0))).OutputIds);
    }

    [Fact]
    public async Task Dispose_RequestsRun_TheyEndWithTheirError()
    {
        var engine = new BatchingEngine(TinyModel.Shared);
        var running = engine.GenerateAsync(Request(500), Token).GetAsyncEnumerator(Token);
        await running.MoveNextAsync();
        await engine.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await running.MoveNextAsync())
            {
            }
        });
        await Assert.ThrowsAsync<ObjectDisposedException>(() => BatchingEngineTests.CompleteAsync(engine, Request(2)));
        await engine.DisposeAsync();
    }

    // a text that goes on until its limit
    private static GenerationRequest Request(int tokens, string? picture = null) => new()
    {
        Prompt = TinyModel.Shared.CreatePrompt("Hello there", picture is null ? 0 : 1),
        Images = picture is null ? [] : [TinyModel.Picture(picture)],
        Options = TinyModel.Greedy with { MaxNewTokens = tokens, LogitBias = TinyModel.Shared.EndIds.ToDictionary(id => id, _ => -100f) },
    };
}
