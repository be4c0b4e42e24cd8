using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Models;

namespace LlavaSharp.Tests.Models;

/// <summary>The list of tensors that a config asks for, and what the network really asks for, must never drift apart.</summary>
public class ExpectedTensorsTests
{
    private static readonly ClipVisionConfig s_vision = new() { HiddenSize = 12, IntermediateSize = 20, NumHiddenLayers = 3, NumAttentionHeads = 3, ImageSize = 28, PatchSize = 7 };

    private const string Llama = """
        "model_type": "llava_llama", "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 6, "num_key_value_heads": 2, "vocab_size": 50
        """;

    private const string Mpt = """
        "model_type": "llava_mpt", "d_model": 24, "n_layers": 2, "n_heads": 3, "vocab_size": 50
        """;

    public static IEnumerable<TheoryDataRow<string>> Families =>
    [
        new(Llama),
        new(Llama + """, "attention_bias": true, "mlp_bias": true"""),
        new(Llama + """, "tie_word_embeddings": true"""),
        new(Llama + """, "head_dim": 6"""),
        new(Llama.Replace("llava_llama", "llava_mistral", StringComparison.Ordinal) + """, "sliding_window": 4"""),
        new(Mpt),
        new(Mpt + """, "tie_word_embeddings": false"""),
    ];

    [Theory]
    [MemberData(nameof(Families))]
    public void For_PlainLanguageModel_ListsWhatTheNetworkAsksFor(string keys)
    {
        var config = Config(keys);
        var recorder = new ShapeRecorder();
        _ = new LlavaNetwork(config, null, recorder, default);
        AssertSame(ExpectedTensors.For(config).Where(tensor => tensor.Required), recorder);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void For_TowerOutside_ListsWhatTheNetworkAsksFor(string keys)
    {
        foreach (var projector in (string[])["linear", "mlp0x_gelu", "mlp1x_gelu", "mlp2x_gelu", "mlp3x_gelu"])
            foreach (var merge in (string[])["flat", "spatial", "spatial_unpad"])
                foreach (var layer in (int[])[-1, -2, 0, 1, 3])
                {
                    var config = Config($$"""{{keys}}, "mm_vision_tower": "tower", "mm_hidden_size": 12, "mm_vision_select_layer": {{layer}}, "mm_projector_type": "{{projector}}", "mm_patch_merge_type": "{{merge}}" """);
                    ShapeRecorder recorder = new(), tower = new();
                    _ = new LlavaNetwork(config, s_vision, recorder, new WeightScope(tower)["vision_model"]);
                    AssertSame(ExpectedTensors.For(config).Where(tensor => tensor.Required), recorder);
                    AssertSame(Used(ExpectedTensors.ForTower(s_vision), layer), tower);
                }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void For_TowerInside_ListsWhatTheNetworkAsksFor(string keys)
    {
        var config = Config($$"""{{keys}}, "mm_vision_tower": "tower", "mm_hidden_size": 12, "mm_vision_select_layer": -2, "mm_projector_type": "mlp2x_gelu", "unfreeze_mm_vision_tower": true""");
        var recorder = new ShapeRecorder();
        var root = config.Family == ModelFamily.Mpt ? "transformer" : "model";
        _ = new LlavaNetwork(config, s_vision, recorder, new WeightScope(recorder)[root]["vision_tower"]["vision_tower"]["vision_model"]);
        AssertSame(Used(ExpectedTensors.For(config, s_vision), -2), recorder);
    }

    private static LlavaConfig Config(string keys) => LlavaConfig.FromJson(JsonNode.Parse($"{{{keys}}}")!.AsObject());

    // a tower is stored whole, but layers behind the selected one and the last norm are never computed
    private static IEnumerable<ExpectedTensor> Used(IEnumerable<ExpectedTensor> tensors, int selectLayer)
    {
        var layers = selectLayer < 0 ? s_vision.NumHiddenLayers + 1 + selectLayer : selectLayer;
        return tensors.Where(tensor => tensor.Required && !tensor.Name.Contains("post_layernorm", StringComparison.Ordinal)
            && !Enumerable.Range(layers, s_vision.NumHiddenLayers - layers).Any(i => tensor.Name.Contains($"encoder.layers.{i}.", StringComparison.Ordinal)));
    }

    private static void AssertSame(IEnumerable<ExpectedTensor> expected, ShapeRecorder recorder) => Assert.Equal(
        expected.Select(tensor => $"{tensor.Name} {string.Join('x', tensor.Shape)}").Order(StringComparer.Ordinal),
        recorder.Shapes.Select(pair => $"{pair.Key} {string.Join('x', pair.Value)}").Order(StringComparer.Ordinal));
}
