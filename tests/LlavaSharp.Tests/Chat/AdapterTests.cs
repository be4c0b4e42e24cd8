using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Tests.Generation.Batching;
using Microsoft.Extensions.AI;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Chat;

public sealed class AdapterTests(AdapterModels models) : IClassFixture<AdapterModels>
{
    private static readonly string[] s_questions = ["What do you see?", "How many objects are there?", "What color is the star?"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, "cpu")]
    [InlineData(true, "cpu")]
    [InlineData(false, "cpu,cpu")]
    public async Task Engine_ThreeAdaptersAndTheModelTogether_AnswerAsEachAlone(bool packed, string device)
    {
        using var model = models.Load(models.Sources, packed, device);
        var requests = Requests(model);
        var expected = new Dictionary<GenerationRequest, string>();
        foreach (var group in requests.GroupBy(request => request.Adapter))
        {
            // the model with that adapter alone, or as it is
            using var single = models.Load(models.Sources.Where(source => source.Name == group.Key), packed);
            await using var alone = new BatchingEngine(single, new() { MaxRunning = 1, PrefixCache = false });
            foreach (var request in group)
                expected[request] = (await BatchingEngineTests.CompleteAsync(alone, request)).Text;
        }
        Assert.True(expected.Values.Distinct().Count() > s_questions.Length + 2, "the adapters change too little to be told apart");

        // small pages and parts, so that prompts are cut, and pages are shared and taken away
        await using var engine = new BatchingEngine(model, new() { MaxRunning = 6, PagePositions = 16, MinChunk = 16, MaxChunk = 64, CacheBytes = 4 << 20 });
        for (var round = 0; round < 2; round++)
        {
            var results = await Task.WhenAll(requests.Select(request => BatchingEngineTests.CompleteAsync(engine, request)));
            Assert.Equal(requests.Select(request => expected[request]), results.Select(result => result.Text));
        }
        Assert.True(engine.Statistics.ReusedPositions > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Model_AskedByTurns_AnswersAsEachAlone(bool packed)
    {
        using var model = models.Load(models.Sources, packed);
        foreach (var request in Requests(model).Where((_, i) => i % 2 == 0).SelectMany(request => new[] { request, request with { Adapter = null } }))
        {
            using var single = models.Load(models.Sources.Where(source => source.Name == request.Adapter), packed);
            Assert.Equal((await single.CompleteAsync(request, Token)).OutputIds, (await model.CompleteAsync(request, Token)).OutputIds);
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    public async Task Model_InBitsandbytesForms_TakesAdaptersToo(int bits)
    {
        var options = new LoadOptions { LoadIn4Bit = bits == 4, LoadIn8Bit = bits == 8, QuantType = "nf4" };
        using var model = models.Load(models.Sources, options: options);
        using var plain = models.Load([], options: options);
        foreach (var source in models.Sources)
        {
            using var single = models.Load([source], options: options);
            var request = Requests(model)[^1] with { Adapter = source.Name };
            var answer = await model.CompleteAsync(request, Token);
            Assert.Equal((await single.CompleteAsync(request, Token)).OutputIds, answer.OutputIds);
            Assert.NotEqual((await plain.CompleteAsync(request with { Adapter = null }, Token)).OutputIds, answer.OutputIds);
        }
    }

    [Fact]
    public async Task Model_ThatGuessesTokens_AnswersAsWithoutGuessing()
    {
        using var model = models.Load(models.Sources, packed: true);
        using var guessing = models.Load(models.Sources, packed: true, options: new() { PromptLookup = true });
        using var bare = models.Load([], packed: true);
        Assert.Equal((true, false, true), (bare.UsesPromptLookup, model.UsesPromptLookup, guessing.UsesPromptLookup));

        foreach (var request in Requests(model).Where(request => request.Adapter is not null))
            Assert.Equal((await model.CompleteAsync(request, Token)).Text, (await guessing.CompleteAsync(request, Token)).Text);
    }

    [Fact]
    public async Task Model_WithAdapters_AnswersItselfBitForBitAsWithout()
    {
        using var without = models.Load([]);
        using var with = models.Load(models.Sources);
        var request = Requests(with)[0] with { Adapter = null };

        Assert.Equal(Logits(without, request), Logits(with, request));
        Assert.Equal((await without.CompleteAsync(request, Token)).OutputIds, (await with.CompleteAsync(request, Token)).OutputIds);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Logits_OfEachAdapter_AreThoseOfTheMergedWeights(int index)
    {
        var source = models.Sources[index];
        using var model = models.Load(models.Sources);
        using var merged = models.LoadMerged(source);
        var request = Requests(model)[0] with { Adapter = source.Name };

        var (expected, asked, plain) = (Logits(merged, request with { Adapter = null }), Logits(model, request), Logits(model, request with { Adapter = null }));
        var error = expected.Zip(asked).Max(pair => Math.Abs(pair.First - pair.Second));
        Assert.InRange(error, 0, 2e-3);
        Assert.True(expected.Zip(plain).Max(pair => Math.Abs(pair.First - pair.Second)) > 100 * error, "the adapter changes nothing");
    }

    [Fact]
    public async Task Complete_OtherAdapter_UsesNoKeysOfTheLast()
    {
        using var model = models.Load(models.Sources);
        var request = Requests(model)[0];

        var first = await model.CompleteAsync(request with { Adapter = "attention" }, Token);
        var again = await model.CompleteAsync(request with { Adapter = "attention" }, Token);
        var other = await model.CompleteAsync(request with { Adapter = null }, Token);
        Assert.Equal((0, first.PromptTokens - 1, 0), (first.Saved.PromptTokens, again.Saved.PromptTokens, other.Saved.PromptTokens));

        await using var engine = new BatchingEngine(model, new() { PagePositions = 16 });
        var saved = new List<int>();
        foreach (var adapter in new[] { "attention", null, "ends", "attention", null })
            saved.Add((await BatchingEngineTests.CompleteAsync(engine, request with { Adapter = adapter })).Saved.PromptTokens);
        Assert.Equal([0, 0, 0], saved.Take(3));
        Assert.All(saved.Skip(3), positions => Assert.True(positions > 0));
    }

    [Fact]
    public async Task Complete_AdapterWithItsProjector_HasFeaturesOfItsOwn()
    {
        using var model = models.Load(models.Sources);
        var request = Requests(model)[0];
        var saved = new List<int>();
        foreach (var adapter in new[] { null, "attention", "all", "all", "ends" })
            saved.Add((await model.CompleteAsync(request with { Adapter = adapter }, Token)).Saved.Images);

        Assert.Equal([0, 1, 0, 1, 1], saved);
    }

    [Fact]
    public async Task Complete_BeamSearch_KnowsAdapters()
    {
        var source = models.Sources[0];
        using var model = models.Load([source]);
        using var merged = models.LoadMerged(source);
        var request = Requests(model)[1] with { Options = EmbeddedModels.Greedy with { NumBeams = 3, MaxNewTokens = 12 } };

        Assert.Equal((await merged.CompleteAsync(request with { Adapter = null }, Token)).Text, (await model.CompleteAsync(request with { Adapter = source.Name }, Token)).Text);
    }

    [Fact]
    public async Task Complete_UnknownAdapter_NamesThoseThereAre()
    {
        using var model = models.Load(models.Sources);
        await using var engine = new BatchingEngine(model);
        var request = Requests(model)[0] with { Adapter = "nobody" };

        foreach (var error in new[] { await Assert.ThrowsAsync<GenerationException>(() => model.CompleteAsync(request, Token)), await Assert.ThrowsAsync<GenerationException>(() => BatchingEngineTests.CompleteAsync(engine, request)) })
        {
            Assert.Contains("'nobody'", error.Message);
            Assert.Contains("attention, all, ends", error.Message);
        }
        Assert.Equal(["attention", "all", "ends"], model.Adapters);
        var good = await BatchingEngineTests.CompleteAsync(engine, request with { Adapter = "ends" });
        Assert.NotEmpty(good.Text);
    }

    [Fact]
    public async Task ChatClient_ModelIdOfAnAdapter_IsAnsweredByIt()
    {
        using var model = models.Load(models.Sources);
        using var client = model.AsChatClient(new() { Generation = EmbeddedModels.Greedy with { MaxNewTokens = 12 } });
        var message = new ChatMessage(ChatRole.User, "Hello, what can you see?");

        var plain = await client.GetResponseAsync(message, cancellationToken: Token);
        var adapted = await client.GetResponseAsync(message, new() { ModelId = "all" }, Token);
        Assert.Equal((model.Name, "all"), (plain.ModelId, adapted.ModelId));
        Assert.NotEqual(plain.Text, adapted.Text);
        await Assert.ThrowsAsync<UnknownNameException>(() => client.GetResponseAsync(message, new() { ModelId = "nobody" }, Token));
    }

    private static float[] Logits(LlavaModel model, GenerationRequest request) => model.OnModelThread(() =>
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var adapters = model.Checkpoint.Adapters;
        var adapter = adapters.Find(request.Adapter, model.Name);
        using var selected = adapters.Selection.All(adapter?.Index);
        using var merged = model.Merge(model.EncodePrompt(request.Prompt, request.Images.Count), model.PreparePixels(request.Images, adapter), adapter);
        var language = model.Checkpoint.Network.Language;
        return language.Logits(language.Forward(merged.Embeddings, merged.Positions)).data<float>().ToArray();
    });

    // the same questions to all, those with a picture and one without
    private List<GenerationRequest> Requests(LlavaModel model) =>
    [
        .. from question in s_questions.Append("Hello")
           from adapter in new[] { models.Sources[0].Name, null, models.Sources[1].Name, models.Sources[2].Name }
           let pictures = question == "Hello" ? 0 : 1
           select new GenerationRequest
           {
               Prompt = model.CreatePrompt(question, pictures),
               Images = pictures == 0 ? [] : [EmbeddedModels.Scene],
               Adapter = adapter,
               Options = EmbeddedModels.Greedy with { MaxNewTokens = 20 },
           },
    ];
}
