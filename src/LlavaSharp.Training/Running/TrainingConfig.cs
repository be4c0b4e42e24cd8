using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Training;

/// <summary>The keys that the trainer writes into <c>config.json</c>.</summary>
internal static class TrainingConfig
{
    /// <summary>The tower's folder inside a checkpoint.</summary>
    public const string TowerFolder = "vision_tower";

    /// <summary>The keys of a run; none but the tokenizer's for a language model alone.</summary>
    public static IEnumerable<KeyValuePair<string, JsonNode?>> Keys(TrainingModelOptions options, ClipVisionConfig? vision)
    {
        if (vision is null)
            return [];
        return new Dictionary<string, JsonNode?>
        {
            ["model_type"] = "llava_llama",
            ["mm_vision_tower"] = options.VisionTower,
            ["use_mm_proj"] = true,
            ["mm_projector_type"] = options.ProjectorType,
            ["mm_hidden_size"] = vision.HiddenSize,
            ["mm_vision_select_layer"] = options.VisionSelectLayer,
            ["mm_vision_select_feature"] = options.VisionSelectFeature,
            ["mm_patch_merge_type"] = "flat",
            ["image_aspect_ratio"] = options.ImageAspectRatio,
            ["tokenizer_padding_side"] = "right",
            ["tokenizer_model_max_length"] = options.ModelMaxLength,
            ["tune_mm_mlp_adapter"] = options.TuneProjectorOnly,
            ["freeze_mm_mlp_adapter"] = options.FreezeProjector,
            ["mm_use_im_start_end"] = false,
            ["mm_projector_lr"] = options.ProjectorLearningRate,
            ["mm_use_im_patch_token"] = false,
        };
    }
}
