using System.Text.Json.Nodes;

namespace LlavaSharp.Checkpoints;

/// <summary>The config of a CLIP vision encoder, with the defaults of the original's library (CLIP ViT-B/32).</summary>
public sealed record ClipVisionConfig
{
    /// <summary>Width of the encoder (default 768).</summary>
    public int HiddenSize { get; init; } = 768;

    /// <summary>Inner width of the feed-forward part (default 3072).</summary>
    public int IntermediateSize { get; init; } = 3072;

    /// <summary>Number of layers (default 12); the list of hidden states has one more.</summary>
    public int NumHiddenLayers { get; init; } = 12;

    /// <summary>Number of attention heads (default 12).</summary>
    public int NumAttentionHeads { get; init; } = 12;

    /// <summary>Channels of a picture (default 3).</summary>
    public int NumChannels { get; init; } = 3;

    /// <summary>Side of the square input in pixels (default 224).</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Side of a patch in pixels (default 32).</summary>
    public int PatchSize { get; init; } = 32;

    /// <summary>Added to the variance in layer norms (default 1e-5).</summary>
    public double LayerNormEps { get; init; } = 1e-5;

    /// <summary>Activation of the feed-forward part (default <c>quick_gelu</c>).</summary>
    public string HiddenAct { get; init; } = "quick_gelu";

    /// <summary>The stated data type of the weights, or null.</summary>
    public StoredDataType? TorchDataType { get; init; }

    /// <summary>CLIP ViT-L/14-336, which Hugging Face's LLaVA classes take when their config says nothing of a tower.</summary>
    internal static ClipVisionConfig LargeAt336 { get; } = new()
    {
        HiddenSize = 1024,
        IntermediateSize = 4096,
        NumHiddenLayers = 24,
        NumAttentionHeads = 16,
        ImageSize = 336,
        PatchSize = 14,
    };

    /// <summary>Patches along one side.</summary>
    public int PatchesPerSide => ImageSize / PatchSize;

    /// <summary>Number of patches of a picture.</summary>
    public int PatchCount => PatchesPerSide * PatchesPerSide;

    /// <summary>Reads the <c>config.json</c> of a tower's folder: a vision config alone, or one nested in the config of a whole CLIP.</summary>
    /// <exception cref="CheckpointException">The file is missing, is no CLIP, or a value has the wrong type or is out of range.</exception>
    public static ClipVisionConfig Load(string folder)
    {
        var path = Path.Combine(folder, "config.json");
        if (!File.Exists(path))
            throw new CheckpointException($"The vision tower's folder '{folder}' has no config.json. It must be a CLIP checkpoint (config.json and weights), such as openai/clip-vit-large-patch14-336.", path);
        return FromJson(ConfigFile.Read(path), path);
    }

    /// <summary>Parses the bytes of a <c>config.json</c>; <paramref name="file"/> is for messages.</summary>
    /// <exception cref="CheckpointException">The bytes are no CLIP config, or a value has the wrong type or is out of range.</exception>
    public static ClipVisionConfig Parse(ReadOnlySpan<byte> utf8, string file = "config.json") => FromJson(ConfigFile.Parse(utf8, file), file);

    /// <summary>Whether an object is the config of a CLIP or of its vision part.</summary>
    internal static bool IsClip(JsonObject json)
    {
        var type = new ConfigReader(json, "config.json").Node("model_type") is JsonValue value && value.TryGetValue(out string? text) ? text : "";
        return type is "clip" or "clip_vision_model";
    }

    /// <summary>Takes the values of an object; <paramref name="file"/> is for messages.</summary>
    /// <exception cref="CheckpointException">It is no CLIP config, or a value has the wrong type or is out of range.</exception>
    public static ClipVisionConfig FromJson(JsonObject json, string file = "config.json")
    {
        var outer = new ConfigReader(json, file);
        var nested = outer.Object("vision_config");
        var type = outer.Text("model_type");
        if (nested is null && type is not (null or "clip_vision_model" or "clip"))
            throw outer.Wrong("model_type", "'clip' or 'clip_vision_model': only CLIP encoders can be a vision tower");
        var reader = nested ?? outer;
        var typeName = reader.Text("torch_dtype") ?? outer.Text("torch_dtype") ?? outer.Text("dtype");
        var defaults = new ClipVisionConfig();
        var config = new ClipVisionConfig
        {
            HiddenSize = reader.Integer("hidden_size", 1, 1 << 20) ?? defaults.HiddenSize,
            IntermediateSize = reader.Integer("intermediate_size", 1, 1 << 24) ?? defaults.IntermediateSize,
            NumHiddenLayers = reader.Integer("num_hidden_layers", 1, 1024) ?? defaults.NumHiddenLayers,
            NumAttentionHeads = reader.Integer("num_attention_heads", 1, 1 << 20) ?? defaults.NumAttentionHeads,
            NumChannels = reader.Integer("num_channels", 1, 1024) ?? defaults.NumChannels,
            ImageSize = reader.Integer("image_size", 1, 1 << 15) ?? defaults.ImageSize,
            PatchSize = reader.Integer("patch_size", 1, 1 << 15) ?? defaults.PatchSize,
            LayerNormEps = reader.Number("layer_norm_eps", 0, 1) ?? defaults.LayerNormEps,
            HiddenAct = reader.Text("hidden_act") ?? defaults.HiddenAct,
            TorchDataType = typeName is null ? null : StoredDataTypes.FromTorchName(typeName) is { } known && known.IsFloatingPoint() ? known : null,
        };
        if (config.HiddenSize % config.NumAttentionHeads != 0)
            throw reader.Wrong("num_attention_heads", $"a divisor of hidden_size, {config.HiddenSize}");
        if (config.PatchSize > config.ImageSize)
            throw reader.Wrong("patch_size", $"at most image_size, {config.ImageSize}");
        return config;
    }
}
