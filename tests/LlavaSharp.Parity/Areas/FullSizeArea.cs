using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Formula;
using LlavaSharp.Generation;
using LlavaSharp.Models;
using LlavaSharp.Native;
using LlavaSharp.Prompts;
using static TorchSharp.torch;

namespace LlavaSharp.Parity.Areas;

/// <summary>CLIP ViT-L/14-336 and two-layer 7B-shaped language models whose weights come from a formula.</summary>
internal sealed class FullSizeArea : IParityArea
{
    private const string File = "full-size.json";
    private const string TensorFile = "full-size.safetensors";
    private const double Tolerance = 1e-3;     // times the recorded standard deviation
    private const double MarginBound = 0.005;
    private const int ImageSize = 336;

    private static readonly ClipVisionConfig Clip = new()
    {
        HiddenSize = 1024, IntermediateSize = 4096, NumHiddenLayers = 24, NumAttentionHeads = 16, ImageSize = ImageSize, PatchSize = 14,
    };

    private static readonly Dictionary<string, string> Shapes = new()
    {
        ["vicuna7b"] = """{"intermediate_size": 11008, "num_key_value_heads": 32, "rope_theta": 10000.0}""",
        ["mistral7b"] = """{"intermediate_size": 14336, "num_key_value_heads": 8, "rope_theta": 1000000.0}""",
    };

    public string Name => "full-size";

    public void Check(AreaRun run)
    {
        if (!run.Has(File))
            return;
        TorchRuntime.Initialize();
        var golden = run.Json(File);
        using var tensors = new GoldenTensors(run.Has(TensorFile) ? SafetensorsFile.Open(run.Use(TensorFile)) : null);
        var salt = golden.GetProperty("salt").GetUInt32();
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Tensor? projected = null;
        run.Case("clip", c =>
        {
            c.Fields(golden, ["salt", "clip_rows", "clip_mean", "clip_std", "clip_hidden_norms", "projected_std", "made_with", "title", "note", "definition", .. Shapes.Keys]);
            projected = CheckClip(c, golden, tensors, salt);
        });
        foreach (var shape in Shapes.Keys.Where(name => golden.HasValue(name)))
            run.Case(shape, c => CheckLanguageModel(c, shape, golden.GetProperty(shape), tensors, salt, projected ?? throw new InvalidOperationException("there are no projected features")));
        run.Case(TensorFile, c => c.Sequence("tensors that no check knows", [], tensors.Unknown(["clip", .. Shapes.Keys.Where(name => golden.HasValue(name))])));
    }

    private static Tensor CheckClip(Comparison c, JsonElement golden, GoldenTensors tensors, uint salt)
    {
        using var scope = NewDisposeScope();
        using var formula = new FormulaTensors([.. ExpectedTensors.ForTower(Clip), .. ExpectedTensors.For(Config("vicuna7b"))], salt);
        using var weights = new CheckpointWeights(formula.Tensors, ScalarType.Float32, CPU, checkFinite: false);
        var pixels = Numbers("pixel_values", salt, 3 * ImageSize * ImageSize, u => 4 * (u - 0.5f));
        var input = tensor(pixels, [1, 3, ImageSize, ImageSize]);
        var norms = new List<double>();
        // one more layer than LLaVA uses, for the norms of all hidden states
        var root = new WeightScope(weights);
        using (NewDisposeScope())
            new ClipVisionTower(Clip, root["vision_model"], -1, "patch").Forward(input, hidden => norms.Add(hidden.norm().item<float>()));
        var expectedNorms = golden.Numbers("clip_hidden_norms");
        c.Equal("number of clip_hidden_norms", expectedNorms.Length, norms.Count);
        for (var i = 0; i < Math.Min(norms.Count, expectedNorms.Length); i++)
            c.Close($"clip_hidden_norms[{i}]", expectedNorms[i], norms[i], Tolerance * expectedNorms[i]);

        var features = new ClipVisionTower(Clip, root["vision_model"], -2, "patch").Forward(input)[0];     // [576, 1024]
        var rows = tensor(golden.Ints("clip_rows").Select(row => (long)row).ToArray());
        double std = golden.Number("clip_std"), projectedStd = golden.Number("projected_std");
        c.Close("clip_mean", golden.Number("clip_mean"), features.mean().item<float>(), Tolerance * std);
        c.Close("clip_std", std, features.std().item<float>(), Tolerance * std);
        if (tensors.Find("clip.selected_rows") is { } selected)
            c.Close("clip.selected_rows", selected, Flat(features.index_select(0, rows)), Tolerance * std);
        var projected = new Projector("mlp2x_gelu", 1024, 4096, root["model"]["mm_projector"]).Forward(features);   // [576, 4096]
        c.Close("projected_std", projectedStd, projected.std().item<float>(), Tolerance * projectedStd);
        if (tensors.Find("projected_rows") is { } projectedRows)
            c.Close("projected_rows", projectedRows, Flat(projected.index_select(0, rows)), Tolerance * projectedStd);
        return projected.MoveToOuterDisposeScope();
    }

    private static void CheckLanguageModel(Comparison c, string name, JsonElement golden, GoldenTensors tensors, uint salt, Tensor projected)
    {
        c.Fields(golden, "prompt_ids_before", "prompt_ids_after", "length", "top20_ids", "top20", "mean", "std", "greedy_ids", "greedy_margins");
        using var scope = NewDisposeScope();
        var config = Config(name);
        using var formula = new FormulaTensors(ExpectedTensors.For(config), salt);
        using var weights = new CheckpointWeights(formula.Tensors, ScalarType.Float32, CPU, checkFinite: false);
        var network = new LlavaNetwork(config, null, weights, default);

        int[] before = golden.Ints("prompt_ids_before"), after = golden.Ints("prompt_ids_after");
        var made = Numbers("input_ids", salt, before.Length + after.Length, u => MathF.Floor(500 + 31000 * u));
        c.Sequence("prompt ids", before.Concat(after), made.Select(id => (int)id));
        using var merged = network.Merge([[.. before, LlavaConstants.ImageTokenIndex, .. after]], null, [projected], CPU);
        c.Equal("length", golden.Int("length"), merged.Plan.Length);

        var hidden = network.Language.Forward(merged.Embeddings, merged.Positions);
        var logits = Flat(network.Language.Logits(hidden[0, -1]));
        var std = golden.Number("std");
        LogitsComparison.CheckSpread(c, golden.Number("mean"), std, logits, Tolerance * std);
        if (tensors.Find($"{name}.logits_last_head") is { } head)
            c.Close("logits_last_head", head, logits.AsSpan(0, Math.Min(head.Length, logits.Length)), Tolerance * std);
        LogitsComparison.CheckTop(c, golden.Ints("top20_ids"), golden.Numbers("top20"), logits, Tolerance * std);

        var expected = golden.Ints("greedy_ids");
        var (ids, own) = GreedyComparison.Generate(new TextGenerator(network.Language, [], null), merged, expected.Length);
        var recorded = golden.HasValue("greedy_margins");
        GreedyComparison.Check(c, expected, recorded ? golden.Numbers("greedy_margins") : own, recorded, ids, MarginBound, () => { });
    }

    private static LlavaConfig Config(string name)
    {
        var json = JsonNode.Parse(Shapes[name])!.AsObject();
        foreach (var (key, value) in JsonNode.Parse("""
            {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 2, "num_attention_heads": 32, "vocab_size": 32000, "rms_norm_eps": 1e-5, "max_position_embeddings": 4096, "eos_token_id": 2,
             "mm_vision_tower": "clip", "mm_hidden_size": 1024, "mm_vision_select_layer": -2, "mm_projector_type": "mlp2x_gelu"}
            """)!.AsObject())
            json[key] = value?.DeepClone();
        return LlavaConfig.FromJson(json);
    }

    private static float[] Numbers(string name, uint salt, int count, Func<float, float> map)
    {
        var values = new float[count];
        FormulaNumbers.Uniform(name, salt, 0, values);
        return [.. values.Select(map)];
    }

    private static float[] Flat(Tensor values) => values.to(ScalarType.Float32).contiguous().data<float>().ToArray();
}
