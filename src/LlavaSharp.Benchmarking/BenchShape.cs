using System.Globalization;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Benchmarking;

/// <summary>The sizes of a published LLaVA, without its weights.</summary>
/// <param name="Name">How the command line names it.</param>
/// <param name="Config">The config of the language model and the projector.</param>
/// <param name="Tower">The config of the vision tower.</param>
public sealed record BenchShape(string Name, LlavaConfig Config, ClipVisionConfig Tower)
{
    // CLIP ViT-L/14-336
    private static readonly ClipVisionConfig _large = new()
    {
        HiddenSize = 1024, IntermediateSize = 4096, NumHiddenLayers = 24, NumAttentionHeads = 16, ImageSize = 336, PatchSize = 14,
    };

    // for tests: every part is there, nothing takes time
    private static readonly ClipVisionConfig _small = new()
    {
        HiddenSize = 32, IntermediateSize = 64, NumHiddenLayers = 3, NumAttentionHeads = 2, ImageSize = 56, PatchSize = 14,
    };

    private const string Version15 = """{"mm_patch_merge_type": "flat", "image_aspect_ratio": "pad"}""";

    private const string Version16 = """
        {"mm_patch_merge_type": "spatial_unpad", "image_aspect_ratio": "anyres", "image_grid_pinpoints": [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]}
        """;

    private const string Common = """
        {"rms_norm_eps": 1e-5, "rope_theta": 10000.0, "vocab_size": 32000, "tie_word_embeddings": false, "torch_dtype": "float16", "mm_use_im_patch_token": false,
         "mm_vision_tower": "openai/clip-vit-large-patch14-336", "mm_vision_select_layer": -2, "mm_vision_select_feature": "patch", "mm_projector_type": "mlp2x_gelu"}
        """;

    private static readonly Dictionary<string, (ClipVisionConfig Tower, string Version, string Language)> _known = new(StringComparer.Ordinal)
    {
        ["7b"] = (_large, Version15, """
            {"model_type": "llava_llama", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32, "max_position_embeddings": 4096}
            """),
        ["13b"] = (_large, Version15, """
            {"model_type": "llava_llama", "hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40, "num_attention_heads": 40, "max_position_embeddings": 4096}
            """),
        ["mistral-7b"] = (_large, Version16, """
            {"model_type": "llava_mistral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
             "rope_theta": 1000000.0, "sliding_window": null, "max_position_embeddings": 32768}
            """),
        ["34b"] = (_large, Version16, """
            {"model_type": "llava_llama", "hidden_size": 7168, "intermediate_size": 20480, "num_hidden_layers": 60, "num_attention_heads": 56, "num_key_value_heads": 8,
             "rope_theta": 5000000.0, "vocab_size": 64000, "max_position_embeddings": 4096}
            """),
        ["tiny"] = (_small, Version15, """
            {"model_type": "llava_llama", "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
             "vocab_size": 512, "max_position_embeddings": 1024}
            """),
    };

    /// <summary>The names that are known.</summary>
    public static IReadOnlyCollection<string> Names => _known.Keys;

    /// <summary>The sizes of that name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="layers">Layers of the language model; null: as many as the published model has.</param>
    /// <exception cref="UnknownNameException">No such name.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one layer, or more than 1,024.</exception>
    public static BenchShape Find(string name, int? layers = null)
    {
        if (layers is < 1 or > 1024)
            throw new ArgumentOutOfRangeException(nameof(layers), layers, "A language model has 1 to 1024 layers.");
        if (!_known.TryGetValue(name, out var known))
            throw new UnknownNameException("shape", name, Names);
        var shape = Create(name, known.Tower, Common, known.Version, known.Language);
        return layers is { } count ? shape with { Config = shape.Config.With("num_hidden_layers", count) } : shape;
    }

    /// <summary>The tensors of the language model, the projector and what joins tiles, by their names in a checkpoint.</summary>
    public IReadOnlyList<ExpectedTensor> Tensors => ExpectedTensors.For(Config);

    /// <summary>The tensors of the vision tower, by their names in its own folder.</summary>
    public IReadOnlyList<ExpectedTensor> TowerTensors => ExpectedTensors.ForTower(Tower);

    /// <summary>Name and layers.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}, {Config.NumHiddenLayers} layers");

    private static BenchShape Create(string name, ClipVisionConfig tower, params ReadOnlySpan<string> parts)
    {
        var json = new JsonObject { ["mm_hidden_size"] = tower.HiddenSize };
        foreach (var part in parts)
            foreach (var (key, value) in JsonNode.Parse(part)!.AsObject())
                json[key] = value?.DeepClone();
        return new(name, LlavaConfig.FromJson(json, $"the shape {name}"), tower);
    }
}
