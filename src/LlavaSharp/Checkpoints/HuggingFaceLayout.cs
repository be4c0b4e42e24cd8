using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;

namespace LlavaSharp.Checkpoints;

/// <summary>
/// The layout of Hugging Face's own LLaVA classes ("llava-hf": LLaVA 1.5 is <c>llava</c>, 1.6 is <c>llava_next</c>), translated into the original's: keys of
/// <c>config.json</c> and names of tensors. The vision tower lies inside, and a picture is an id of the vocabulary.
/// </summary>
internal static class HuggingFaceLayout
{
    private const int MaxVocabulary = 1 << 26;
    private const int DefaultImageToken = 32000;   // behind LLaMA's vocabulary, in all published models
    private const int DefaultFeatureLayer = -2;
    private const int MaxLayers = 1024;

    // what the config of a language model is read for; other keys of text_config say nothing about the numbers
    private static readonly string[] LanguageModelKeys =
    [
        "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size", "max_position_embeddings",
        "rms_norm_eps", "rope_theta", "rope_scaling", "rope_parameters", "sliding_window", "attention_bias", "mlp_bias", "hidden_act",
    ];

    // text_config decides where it has the key, the outer object where it has not
    private static readonly string[] SharedKeys = ["tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id"];

    // first as the files are published, then as the network's own state has it since transformers 4.52
    private static readonly (string Stored, string Usual)[] Names =
    [
        ("language_model.model.", "model."),
        ("language_model.lm_head.", "lm_head."),
        ("vision_tower.vision_model.", "model.vision_tower.vision_tower.vision_model."),
        ("multi_modal_projector.linear_1.", "model.mm_projector.0."),
        ("multi_modal_projector.linear_2.", "model.mm_projector.2."),
        ("image_newline", "model.image_newline"),
        ("model.language_model.", "model."),
        ("model.vision_tower.vision_model.", "model.vision_tower.vision_tower.vision_model."),
        ("model.multi_modal_projector.linear_1.", "model.mm_projector.0."),
        ("model.multi_modal_projector.linear_2.", "model.mm_projector.2."),
    ];

    /// <summary>Whether a <c>config.json</c> of a language model has this layout.</summary>
    public static bool Is(JsonObject config) =>
        config["text_config"] is JsonObject
        || (config["architectures"] is JsonArray architectures && architectures.Any(item => item is JsonValue value && value.TryGetValue(out string? name) && name.EndsWith("ForConditionalGeneration", StringComparison.Ordinal)));

    /// <summary>The name of a tensor in the original's layout; a name that is not known stays, and is reported as unexpected.</summary>
    public static string UsualName(string name)
    {
        foreach (var (stored, usual) in Names)
            if (name.StartsWith(stored, StringComparison.Ordinal) && (name.Length == stored.Length || stored[^1] == '.'))
                return usual + name[stored.Length..];
        return name;
    }

    /// <summary>Translates a config: the original's keys, the tower's config, and the vocabulary's id of a picture.</summary>
    /// <exception cref="CheckpointException">It describes a model that is not supported, or a value has the wrong type or is out of range.</exception>
    public static (JsonObject Config, ClipVisionConfig Vision, int ImageTokenId) Read(JsonObject json, string file)
    {
        var reader = new ConfigReader(json, file);
        var type = reader.Text("model_type");
        if (type is not ("llava" or "llava_next"))
            throw new CheckpointException($"'{file}' has the Hugging Face layout with the model_type '{type}'; 'llava' (LLaVA 1.5) and 'llava_next' (LLaVA 1.6) are read.", file);
        if (reader.Object("quantization_config") is { } quantization && quantization.Text("quant_method") != Quantization.CheckpointQuantizer.Method)
            throw new CheckpointException($"'{file}': the weights are quantised (quantization_config, {quantization.Text("quant_method") ?? "no method named"}), which is not read in the Hugging Face layout. Give the folder with the 16-bit weights.", file);
        var text = reader.Object("text_config") ?? new([], file);
        var vision = ReadVision(json, reader, file);
        var config = ReadLanguageModel(reader, text, file);
        AddConnection(config, reader, vision);
        if (type == "llava_next")
            AddTiles(config, reader);
        if (Template(reader, type, config) is { } template)
            config["conversation_template"] = template;
        return (config, vision, reader.Integer("image_token_index", 0, MaxVocabulary) ?? reader.Integer("image_token_id", 0, MaxVocabulary) ?? DefaultImageToken);
    }

    private static ClipVisionConfig ReadVision(JsonObject json, ConfigReader reader, string file)
    {
        if (reader.Object("vision_config") is not { } vision)
            return ClipVisionConfig.LargeAt336;
        if ((vision.Text("model_type") ?? "clip_vision_model") is not "clip_vision_model" and var type)
            throw new CheckpointException($"'{file}': the vision tower (vision_config) has the model_type '{type}'; 'clip_vision_model' is read.", file);
        return ClipVisionConfig.FromJson(json["vision_config"]!.AsObject(), file);
    }

    private static JsonObject ReadLanguageModel(ConfigReader reader, ConfigReader text, string file)
    {
        var type = text.Text("model_type") ?? "llama";
        if (type is not ("llama" or "mistral"))
            throw new CheckpointException($"'{file}': the language model (text_config) has the model_type '{type}'; 'llama' and 'mistral' are read.", file);
        var config = new JsonObject
        {
            ["model_type"] = "llava_" + type,
            ["architectures"] = new JsonArray(type == "llama" ? "LlavaLlamaForCausalLM" : "LlavaMistralForCausalLM"),
            ["torch_dtype"] = reader.Text("torch_dtype") ?? reader.Text("dtype") ?? text.Text("torch_dtype") ?? text.Text("dtype"),
        };
        foreach (var key in LanguageModelKeys)
            if (text.Has(key))
                config[key] = text.Node(key)?.DeepClone();
        foreach (var key in SharedKeys)
            if (text.Has(key) || reader.Has(key))
                config[key] = (text.Has(key) ? text : reader).Node(key)?.DeepClone();
        return config;
    }

    private static void AddConnection(JsonObject config, ConfigReader reader, ClipVisionConfig vision)
    {
        config["mm_vision_tower"] = "clip_vision_model";
        config["mm_hidden_size"] = vision.HiddenSize;
        config["unfreeze_mm_vision_tower"] = true;   // the tower inside counts
        config["mm_use_im_patch_token"] = false;
        if (reader.Node("vision_feature_layer") is JsonArray)
            throw reader.Wrong("vision_feature_layer", "one layer: features of several layers are not supported");
        config["mm_vision_select_layer"] = reader.Integer("vision_feature_layer", -MaxLayers, MaxLayers) ?? DefaultFeatureLayer;
        config["mm_vision_select_feature"] = (reader.Text("vision_feature_select_strategy") ?? "default") switch
        {
            "default" => "patch",
            "full" => "cls_patch",
            _ => throw reader.Wrong("vision_feature_select_strategy", "'default' or 'full'"),
        };
        if ((reader.Text("projector_hidden_act") ?? "gelu") != "gelu")
            throw reader.Wrong("projector_hidden_act", "'gelu': no other projector is supported");
        if (reader.Flag("multimodal_projector_bias") == false)
            throw reader.Wrong("multimodal_projector_bias", "true: a projector without biases is not supported");
        config["mm_projector_type"] = "mlp2x_gelu";
    }

    private static void AddTiles(JsonObject config, ConfigReader reader)
    {
        config["image_aspect_ratio"] = ImagePreprocessor.AnyRes;
        config["mm_patch_merge_type"] = "spatial_unpad";
        if (reader.Flag("use_image_newline_parameter") == false)
            throw reader.Wrong("use_image_newline_parameter", "true: rows of features without a newline vector are not supported");
        IReadOnlyList<(int Height, int Width)>? points = [(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)];
        if (reader.Node("image_grid_pinpoints") is { } node)
            points = node is JsonArray ? GridPinpoints.Parse(JsonSerializer.SerializeToElement(node)) : null;
        if (points is not { Count: > 0 })
            throw reader.Wrong("image_grid_pinpoints", "a list of [height, width] pairs");
        // the order of the list stays: it decides between resolutions that are equally good
        config["image_grid_pinpoints"] = new JsonArray([.. points.Select(point => new JsonArray(point.Width, point.Height))]);
    }

    // LLaVA 1.5 was always tuned with Vicuna's turns; of 1.6, LLaMA's family has two kinds that the config does not tell apart
    private static string? Template(ConfigReader reader, string type, JsonObject config) =>
        reader.Text("conversation_template")
        ?? (type == "llava" ? "llava_v1" : (string?)config["model_type"] == "llava_mistral" ? "mistral_instruct" : null);
}
