using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Models;

/// <summary>What must hold for every family and every option, whatever the weights: tried on random tiny models.</summary>
public class LanguageModelTests
{
    private const double Tolerance = 2e-4;

    public static IEnumerable<TheoryDataRow<int>> Seeds => Enumerable.Range(0, 30).Select(seed => new TheoryDataRow<int>(seed));

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Forward_InPiecesThroughTheCache_EqualsTheWhole(int seed)
    {
        var random = new Random(seed);
        var json = RandomConfig(random);
        using var weights = new RandomWeights(seed);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var model = Create(json, weights);
        var length = random.Next(3, 20);
        var embeddings = model.Embed(RandomIds(random, model, length).unsqueeze(0));                   // [1, T, C]
        var whole = model.Logits(model.Forward(embeddings, Positions(0, length)));                     // [1, T, V]
        using var cache = new KeyValueCache(model.Layers);
        for (var at = 0; at < length;)
        {
            var count = random.Next(1, Math.Min(at == 0 ? length : 3, length - at) + 1);
            var piece = model.Logits(model.Forward(embeddings.narrow(1, at, count), Positions(at, count), null, cache));
            AssertClose(whole.narrow(1, at, count), piece, json);
            at += count;
        }
        Assert.Equal(length, cache.Length);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Forward_PaddedBatch_EqualsItsRowsAlone(int seed)
    {
        var random = new Random(seed);
        var json = RandomConfig(random);
        using var weights = new RandomWeights(seed);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var network = new LlavaNetwork(LlavaConfig.FromJson(json), null, weights, default);
        var rows = Enumerable.Range(0, random.Next(2, 4)).Select(_ => Enumerable.Range(0, random.Next(1, 16)).Select(_ => random.Next(network.Language.VocabularySize)).ToArray()).ToList();
        foreach (var padLeft in (bool[])[false, true])
        {
            using var batch = network.Merge(rows, null, [], CPU, padLeft);
            var together = network.Language.Logits(network.Language.Forward(batch.Embeddings, batch.Positions, batch.Visible));
            for (var r = 0; r < rows.Count; r++)
            {
                using var single = network.Merge([rows[r]], null, [], CPU, padLeft);
                var alone = network.Language.Logits(network.Language.Forward(single.Embeddings, single.Positions, single.Visible))[0];
                AssertClose(alone, together[r].narrow(0, padLeft ? batch.Plan.Length - rows[r].Length : 0, rows[r].Length), json);
            }
        }
    }

    [Theory]
    [InlineData(6, 1)]
    [InlineData(6, 2)]
    [InlineData(6, 3)]
    [InlineData(4, 2)]
    public void Forward_GroupedQueries_EqualRepeatedKeysAndValues(int heads, int groups)
    {
        const int Width = 4;
        var json = Llama(heads * Width, heads, groups);
        using var weights = new RandomWeights(1);
        // each group's rows stand once for every head of the group
        using var repeated = new RandomWeights(2, (name, made) => name.Contains("k_proj", StringComparison.Ordinal) || name.Contains("v_proj", StringComparison.Ordinal)
            ? weights.Get(name, groups * Width, heads * Width).view(groups, 1, Width, -1).expand(groups, heads / groups, Width, -1).reshape(heads * Width, -1)
            : weights.Get(name, made.shape).clone());
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        CausalLanguageModel grouped = Create(json, weights), full = Create(Llama(heads * Width, heads, heads), repeated);
        var embeddings = grouped.Embed(RandomIds(new Random(3), grouped, 9).unsqueeze(0));
        AssertClose(full.Forward(embeddings, Positions(0, 9)), grouped.Forward(embeddings, Positions(0, 9)), json);
    }

    [Fact]
    public void Forward_SlidingWindow_SeesAsManyPositionsAsItSays()
    {
        const int Window = 5, Length = 12;
        var json = Llama(16, 2, 2);
        (json["model_type"], json["sliding_window"], json["num_hidden_layers"]) = ("llava_mistral", Window, 1);
        using var weights = new RandomWeights(4);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var model = Create(json, weights);
        var embeddings = model.Embed(RandomIds(new Random(5), model, Length).unsqueeze(0));
        var before = model.Forward(embeddings, Positions(0, Length))[0, -1];
        for (var changed = 0; changed < Length - 1; changed++)
        {
            var other = embeddings.clone();
            other[0, changed] += 1;
            var difference = (model.Forward(other, Positions(0, Length))[0, -1] - before).abs().max().item<float>();
            if (changed > Length - 1 - Window)
                Assert.True(difference > 1e-5, $"position {changed} lies in the window");
            else
                Assert.Equal(0, difference);
        }
    }

    [Fact]
    public void Forward_LinearScaling_EqualsStretchedPositions()
    {
        using var weights = new RandomWeights(6);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        JsonObject plain = Llama(16, 2, 1), scaled = Llama(16, 2, 1);
        scaled["rope_scaling"] = new JsonObject { ["type"] = "linear", ["factor"] = 4.0 };
        CausalLanguageModel model = Create(plain, weights), stretched = Create(scaled, weights);
        var embeddings = model.Embed(RandomIds(new Random(7), model, 10).unsqueeze(0));
        AssertClose(model.Forward(embeddings, Positions(0, 10)), stretched.Forward(embeddings, Positions(0, 10) * 4), scaled);
    }

    [Theory]
    [InlineData(16)]   // as long as trained: nothing changes
    [InlineData(40)]
    public void Forward_DynamicScaling_EqualsAnotherTheta(int length)
    {
        using var weights = new RandomWeights(8);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        JsonObject plain = Llama(16, 2, 1), scaled = Llama(16, 2, 1);
        (scaled["max_position_embeddings"], scaled["rope_scaling"]) = (16, new JsonObject { ["type"] = "dynamic", ["factor"] = 2.0 });
        plain["rope_theta"] = length <= 16 ? 10000.0 : 10000 * Math.Pow(2.0 * length / 16 - 1, 8.0 / 6);
        CausalLanguageModel model = Create(plain, weights), stretched = Create(scaled, weights);
        var embeddings = model.Embed(RandomIds(new Random(9), model, length).unsqueeze(0));
        AssertClose(model.Forward(embeddings, Positions(0, length)), stretched.Forward(embeddings, Positions(0, length)), scaled);
    }

    [Fact]
    public void Slopes_HeadsThatAreNoPowerOfTwo_TakeTheOddOnesOfTheNextPowerFirst()
    {
        Assert.Equal([0.0625f, 0.00390625f], Mpt.Slopes(2, 8));
        Assert.Equal([1 / 16f, 1 / 256f, 1 / 4f], Mpt.Slopes(3, 8));
        Assert.Equal([1 / 4f, 1 / 16f, 1 / 64f, 1 / 256f, 1 / 2f], Mpt.Slopes(5, 8));
    }

    private static JsonObject Llama(int width, int heads, int groups) => new()
    {
        ["model_type"] = "llava_llama", ["hidden_size"] = width, ["intermediate_size"] = 24, ["num_hidden_layers"] = 2, ["num_attention_heads"] = heads,
        ["num_key_value_heads"] = groups, ["vocab_size"] = 40, ["rms_norm_eps"] = 1e-5, ["rope_theta"] = 10000.0, ["max_position_embeddings"] = 64,
    };

    private static JsonObject RandomConfig(Random random)
    {
        var vocabulary = random.Next(5, 60);
        var layers = random.Next(1, 4);
        if (random.Next(3) == 0)
        {
            var count = random.Next(1, 8);
            var attention = new JsonObject { ["alibi_bias_max"] = random.Next(2) == 0 ? 8 : 16 };
            if (random.Next(2) == 0)
                attention["clip_qkv"] = 1.0;
            if (random.Next(2) == 0)
                attention["softmax_scale"] = 0.3;
            return new()
            {
                ["model_type"] = "llava_mpt", ["d_model"] = count * random.Next(1, 6), ["n_heads"] = count, ["n_layers"] = layers, ["vocab_size"] = vocabulary,
                ["max_seq_len"] = 64, ["attn_config"] = attention, ["tie_word_embeddings"] = random.Next(2) == 0, ["learned_pos_emb"] = random.Next(2) == 0,
            };
        }
        var groups = random.Next(1, 4);
        var heads = groups * random.Next(1, 4);
        var json = Llama(heads * 2 * random.Next(1, 5), heads, groups);
        (json["num_hidden_layers"], json["vocab_size"], json["rope_theta"]) = (layers, vocabulary, Math.Pow(10, random.Next(3, 7)));
        (json["attention_bias"], json["mlp_bias"], json["tie_word_embeddings"]) = (random.Next(4) == 0, random.Next(4) == 0, random.Next(3) == 0);
        json["intermediate_size"] = random.Next(1, 40);
        if (random.Next(2) == 0)
            (json["model_type"], json["sliding_window"]) = ("llava_mistral", random.Next(3) == 0 ? null : random.Next(1, 20));
        else if (random.Next(3) == 0)
            json["rope_scaling"] = new JsonObject { ["type"] = "linear", ["factor"] = 1 + random.NextDouble() * 4 };
        return json;
    }

    private static CausalLanguageModel Create(JsonObject json, IWeightSource weights) => LanguageModels.Create(LlavaConfig.FromJson(json), new WeightScope(weights));

    private static Tensor RandomIds(Random random, CausalLanguageModel model, int count) =>
        tensor(Enumerable.Range(0, count).Select(_ => (long)random.Next(model.VocabularySize)).ToArray());

    private static Tensor Positions(int from, int count) => arange(from, from + count, ScalarType.Int64).unsqueeze(0);   // [1, T]

    private static void AssertClose(Tensor expected, Tensor actual, JsonObject json)
    {
        Assert.Equal(expected.shape, actual.shape);
        var worst = (expected - actual).abs().max().item<float>();
        Assert.True(worst <= Tolerance * Math.Max(1, expected.abs().max().item<float>()), $"off by {worst}: {json.ToJsonString()}");
    }
}
