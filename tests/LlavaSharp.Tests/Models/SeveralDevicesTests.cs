using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Models;
using LlavaSharp.Tests.Chat;
using LlavaSharp.Tests.Generation.Batching;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Models;

/// <summary>The CPU named several times stands for several devices: the same division, the same ways, the same places of keys and values.</summary>
public sealed class SeveralDevicesTests(EmbeddedModels models) : IClassFixture<EmbeddedModels>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, "cpu,cpu")]
    [InlineData(false, "cpu,cpu,cpu")]
    [InlineData(true, "cpu,cpu")]
    public async Task Complete_SeveralDevices_AnswersBitForBitAsOne(bool packed, string devices)
    {
        var moves = new CountedMoves();
        using var one = models.Load(packed, new() { PromptLookup = false });
        using var several = LlavaModel.Load(packed ? one.Checkpoint.Folder : null, options: new() { Device = devices, Offline = true, DataType = "float32", Threads = 1, PromptLookup = false, MoveStates = moves.Move });
        var map = several.Checkpoint.Devices;
        var boundaries = Boundaries(map, several.Config.NumHiddenLayers);
        Assert.Equal(devices, several.Device);
        Assert.Equal(devices.Split(',').Length - 1, boundaries);

        foreach (var request in Requests(one))
        {
            var before = moves.Count;
            var expected = await one.CompleteAsync(request, Token);
            var answer = await several.CompleteAsync(request, Token);
            Assert.Equal(expected.OutputIds, answer.OutputIds);
            // the prompt, then a pass for each token but the last
            Assert.Equal(boundaries * answer.OutputIds.Count, moves.Count - before);
            Assert.Equal(Logits(one, request), Logits(several, request));
        }
    }

    [Fact]
    public async Task Complete_BeamsOverSeveralDevices_AreThoseOfOne()
    {
        using var one = models.Load(packed: false);
        using var several = LlavaModel.Load(options: new() { Device = "cpu,cpu", Offline = true, DataType = "float32", Threads = 1 });
        var request = Requests(one)[0] with { Options = EmbeddedModels.Greedy with { NumBeams = 3 } };

        Assert.Equal((await one.CompleteAsync(request, Token)).OutputIds, (await several.CompleteAsync(request, Token)).OutputIds);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(KeyValueFormat.Dense)]
    public async Task Engine_SeveralDevices_AnswersBitForBitAsOne(KeyValueFormat? format)
    {
        var moves = new CountedMoves();
        using var one = models.Load(packed: false);
        using var several = LlavaModel.Load(options: new() { Device = "cpu,cpu,cpu", Offline = true, DataType = "float32", Threads = 1, MoveStates = moves.Move });
        var options = new EngineOptions { CacheFormat = format, CacheBytes = 16 << 20, PagePositions = 16, MaxRunning = 1, MinChunk = 64, MaxChunk = 64 };
        await using var alone = new BatchingEngine(one, options);
        await using var split = new BatchingEngine(several, options);
        foreach (var request in Requests(one).Select(request => request with { Options = request.Options with { TopLogProbabilities = 3 } }))
        {
            var expected = await CollectAsync(alone, request);
            Assert.Equal(expected, await CollectAsync(split, request));
        }
        // the embeddings to the first layer, and between two layers
        var boundaries = Boundaries(several.Checkpoint.Devices, several.Config.NumHiddenLayers);
        Assert.Equal(2, boundaries);
        Assert.Equal(boundaries * split.Statistics.Steps, moves.Count);

        // together, too, and still one move a step and boundary
        await using var busy = new BatchingEngine(several, options with { MaxRunning = 6 });
        var before = moves.Count;
        await Task.WhenAll(Requests(one).Select(request => BatchingEngineTests.CompleteAsync(busy, request)));
        Assert.Equal(boundaries * busy.Statistics.Steps, moves.Count - before);
    }

    [Fact]
    public async Task Engine_NoCacheBytes_TakesPagesOfTheFreeMemory()
    {
        using var several = LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options with { Device = "cpu,cpu" });
        await using var engine = new BatchingEngine(several, new() { MaxRunning = 2, PagePositions = 64 });

        Assert.InRange(engine.Pages, 1, 2 * ((several.ContextLength + 63) / 64));
    }

    [Theory]
    [InlineData("llava")]
    [InlineData("mpt")]
    public void Forward_TiedEmbeddings_GoBackForTheLogits(string family)
    {
        var moves = new CountedMoves();
        var json = family == "mpt"
            ? new JsonObject { ["model_type"] = "mpt", ["d_model"] = 16, ["n_heads"] = 2, ["n_layers"] = 3, ["expansion_ratio"] = 4, ["max_seq_len"] = 64, ["vocab_size"] = 20, ["tie_word_embeddings"] = true }
            : new JsonObject { ["model_type"] = "llama", ["hidden_size"] = 16, ["num_attention_heads"] = 2, ["num_hidden_layers"] = 3, ["intermediate_size"] = 24, ["vocab_size"] = 20, ["rms_norm_eps"] = 1e-6, ["tie_word_embeddings"] = true };
        var config = LlavaConfig.FromJson(json);
        using var weights = new RandomWeights(3);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var one = LanguageModels.Create(config, new WeightScope(weights));
        var several = LanguageModels.Create(config, new WeightScope(new SpreadWeights(weights, new([CPU, CPU], [0, 1, 1], moves.Move))));
        var ids = tensor(new long[] { 1, 5, 7, 2 }, [1, 4]);
        var positions = arange(4, ScalarType.Int64).unsqueeze(0);
        using KeyValueCache first = new(3), second = new(3);

        var expected = one.Logits(one.Forward(one.Embed(ids), positions, null, first));
        var hidden = several.Forward(several.Embed(ids), positions, null, second);
        Assert.Equal(1, moves.Count);
        Assert.Equal(expected.data<float>().ToArray(), several.Logits(hidden).data<float>().ToArray());
        Assert.Equal(2, moves.Count);
    }

    [Theory]
    [InlineData("cpu,mps")]
    [InlineData("mps,mps")]
    [InlineData("auto,auto")]
    [InlineData("cpu,cuda:0")]
    public void Load_DevicesThatDoNotGoTogether_AreRefused(string devices) =>
        Assert.Contains(devices, Assert.Throws<LlavaException>(() => LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options with { Device = devices })).Message);

    [Theory]
    [InlineData("cpu,gpu")]
    [InlineData("cpu,")]
    [InlineData("cuda:0,cuda:x")]
    public void Load_UnknownDeviceAmongOthers_IsNamed(string devices) =>
        Assert.Throws<UnknownNameException>(() => LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options with { Device = devices }));

    [Fact]
    public void Load_SeveralDevices_SaysWhatLiesWhere()
    {
        var notices = new List<string>();
        using var model = LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options with { Device = "cpu,cpu", Notice = notices.Add });

        Assert.Contains(notices, notice => notice.Contains("of 2 layers", StringComparison.Ordinal));
    }

    private static int Boundaries(DeviceMap map, int layers) => Enumerable.Range(0, layers).Count(i => map.Place(i) != (i == 0 ? 0 : map.Place(i - 1)));

    private static float[] Logits(LlavaModel model, GenerationRequest request) => model.OnModelThread(() =>
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var merged = model.Merge(model.EncodePrompt(request.Prompt, request.Images.Count), model.PreparePixels(request.Images));
        var language = model.Checkpoint.Network.Language;
        return language.Logits(language.Forward(merged.Embeddings, merged.Positions)).data<float>().ToArray();
    });

    private static async Task<List<(string, int?, double?)>> CollectAsync(IGenerationEngine engine, GenerationRequest request)
    {
        var all = new List<(string, int?, double?)>();
        await foreach (var update in engine.GenerateAsync(request, Token))
            all.Add((update.Text, update.Token?.Id, update.Token?.LogProbability));
        return all;
    }

    private static List<GenerationRequest> Requests(LlavaModel model) =>
    [
        .. new[] { ("What do you see?", 1), ("How many objects are there?", 1), ("Hello", 0) }.Select(ask => new GenerationRequest
        {
            Prompt = model.CreatePrompt(ask.Item1, ask.Item2),
            Images = ask.Item2 == 0 ? [] : [EmbeddedModels.Scene],
            Options = EmbeddedModels.Greedy with { MaxNewTokens = 24 },
        }),
    ];

    private sealed class SpreadWeights(IWeightSource inner, DeviceMap map) : IWeightSource
    {
        DeviceMap? IWeightSource.Devices => map;

        public bool Contains(string name) => inner.Contains(name);

        public Tensor Get(string name, params ReadOnlySpan<long> shape) => inner.Get(name, shape);
    }
}
