using System.Globalization;
using System.Text.Json;
using LlavaSharp.Imaging;

namespace LlavaSharp.Checkpoints;

/// <content>The keys that LLaVA adds.</content>
public sealed partial class LlavaConfig
{
    /// <summary>Path or hub id of the vision encoder: <c>mm_vision_tower</c>, else <c>vision_tower</c>; null: the model sees nothing.</summary>
    public string? MmVisionTower { get; private set; }

    /// <summary>Width of the projector's input: <c>mm_hidden_size</c>, or null.</summary>
    public int? MmHiddenSize { get; private set; }

    /// <summary><c>mm_projector_type</c> (default <c>linear</c>).</summary>
    public string MmProjectorType { get; private set; } = "linear";

    /// <summary>Number of linear layers of the projector: 1 for <c>linear</c>, N for <c>mlpNx_gelu</c>, 0 for <c>identity</c>.</summary>
    public int MmProjectorDepth { get; private set; } = 1;

    /// <summary>Index into the encoder's hidden states: <c>mm_vision_select_layer</c>, or null.</summary>
    public int? MmVisionSelectLayer { get; private set; }

    /// <summary><c>mm_vision_select_feature</c> (default <c>patch</c>).</summary>
    public string MmVisionSelectFeature { get; private set; } = "patch";

    /// <summary><c>mm_patch_merge_type</c> (default <c>flat</c>).</summary>
    public string MmPatchMergeType { get; private set; } = "flat";

    /// <summary><c>image_aspect_ratio</c>: <c>pad</c>, <c>anyres</c>, anything else is plain resize and crop; null when absent.</summary>
    public string? ImageAspectRatio { get; private set; }

    /// <summary><c>image_grid_pinpoints</c> as (width, height), from a list or its text; null when absent or no list of pairs.</summary>
    public IReadOnlyList<(int Width, int Height)>? ImageGridPinpoints { get; private set; }

    /// <summary><c>image_grid_pinpoints</c> when it is a text, else null.</summary>
    public string? ImageGridPinpointsText { get; private set; }

    /// <summary><c>mm_use_im_start_end</c> (default false).</summary>
    public bool MmUseImStartEnd { get; private set; }

    /// <summary><c>mm_use_im_patch_token</c> (default true: Q1).</summary>
    public bool MmUseImPatchToken { get; private set; } = true;

    /// <summary><c>tokenizer_model_max_length</c>: the merged sequence is cut to it; null: not.</summary>
    public int? TokenizerModelMaxLength { get; private set; }

    /// <summary><c>tokenizer_padding_side</c> (default <c>right</c>).</summary>
    public string TokenizerPaddingSide { get; private set; } = "right";

    /// <summary><c>unfreeze_mm_vision_tower</c>: tower weights inside the checkpoint apply (default false).</summary>
    public bool UnfreezeMmVisionTower { get; private set; }

    /// <summary><c>tune_mm_mlp_adapter</c> (default false).</summary>
    public bool TuneMmMlpAdapter { get; private set; }

    /// <summary><c>s2</c>: the multi-scale tower (default false).</summary>
    public bool S2 { get; private set; }

    /// <summary><c>s2_scales</c>, ascending (default 336, 672, 1008).</summary>
    public IReadOnlyList<int> S2Scales { get; private set; } = [336, 672, 1008];

    /// <summary>Whether the merge adds <c>image_newline</c>: the merge type contains <c>unpad</c>.</summary>
    public bool HasImageNewline => MmVisionTower is not null && MmPatchMergeType.Contains("unpad", StringComparison.Ordinal);

    private void ReadVision(ConfigReader reader)
    {
        MmVisionTower = reader.Text("mm_vision_tower") ?? reader.Text("vision_tower");
        if (MmVisionTower is "")
            MmVisionTower = null;
        MmHiddenSize = reader.Integer("mm_hidden_size", 1, MaxWidth);
        MmVisionSelectLayer = reader.Integer("mm_vision_select_layer", -MaxLayers, MaxLayers);
        ReadProjector(reader);
        MmVisionSelectFeature = reader.Text("mm_vision_select_feature") ?? "patch";
        if (MmVisionSelectFeature is not ("patch" or "cls_patch"))
            throw reader.Wrong("mm_vision_select_feature", "'patch' or 'cls_patch'");
        MmPatchMergeType = reader.Text("mm_patch_merge_type") ?? "flat";
        if (MmPatchMergeType != "flat" && !MmPatchMergeType.StartsWith("spatial", StringComparison.Ordinal))
            throw reader.Wrong("mm_patch_merge_type", "'flat', 'spatial' or 'spatial_unpad'");
        ImageAspectRatio = reader.Text("image_aspect_ratio");
        ReadPinpoints(reader);
        MmUseImStartEnd = reader.Flag("mm_use_im_start_end") ?? false;
        MmUseImPatchToken = reader.Flag("mm_use_im_patch_token") ?? true;
        TokenizerModelMaxLength = reader.Number("tokenizer_model_max_length", 1, 1e300) is { } length ? (int)Math.Min(length, int.MaxValue) : null;
        TokenizerPaddingSide = reader.Text("tokenizer_padding_side") ?? "right";
        UnfreezeMmVisionTower = reader.Flag("unfreeze_mm_vision_tower") ?? false;
        TuneMmMlpAdapter = reader.Flag("tune_mm_mlp_adapter") ?? false;
        S2 = reader.Flag("s2") ?? false;
        if (reader.Text("s2_scales") is { } scales)
            S2Scales = ReadScales(scales, reader);
        if (MmVisionTower is null)
            return;
        if (MmHiddenSize is null)
            throw reader.Lacks("mm_hidden_size", "the width of the projector's input must be known when there is a vision tower");
        if (MmVisionSelectLayer is null)
            throw reader.Lacks("mm_vision_select_layer", "the layer whose features are taken must be known when there is a vision tower");
    }

    private void ReadProjector(ConfigReader reader)
    {
        const int MaxDepth = 256;
        MmProjectorType = reader.Text("mm_projector_type") ?? "linear";
        if (MmProjectorType is "linear" or "identity")
            MmProjectorDepth = MmProjectorType == "linear" ? 1 : 0;
        else if (MmProjectorType.StartsWith("mlp", StringComparison.Ordinal) && MmProjectorType.EndsWith("x_gelu", StringComparison.Ordinal)
            && int.TryParse(MmProjectorType.AsSpan(3, Math.Max(0, MmProjectorType.Length - 9)), NumberStyles.None, CultureInfo.InvariantCulture, out var depth) && depth <= MaxDepth)
            MmProjectorDepth = Math.Max(1, depth); // the first layer is always built, also for mlp0x_gelu
        else
            throw reader.Wrong("mm_projector_type", $"'linear', 'identity' or 'mlpNx_gelu' with N up to {MaxDepth}");
    }

    private void ReadPinpoints(ConfigReader reader)
    {
        var node = reader.Node("image_grid_pinpoints");
        if (node is null)
            return;
        ImageGridPinpoints = GridPinpoints.Parse(JsonSerializer.SerializeToElement(node)) is { Count: > 0 } points ? points : null;
        if (node.GetValueKind() == JsonValueKind.String)
            ImageGridPinpointsText = reader.Text("image_grid_pinpoints");
        else if (ImageGridPinpoints is null)
            throw reader.Wrong("image_grid_pinpoints", "a list of [width, height] pairs, or its text");
    }

    private static List<int> ReadScales(string text, ConfigReader reader)
    {
        var scales = new List<int>();
        foreach (var part in text.Split(','))
            scales.Add(int.TryParse(part.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var scale) && scale is > 0 and <= 1 << 16 && scales.Count < 64
                ? scale
                : throw reader.Wrong("s2_scales", "a list of sizes such as '336,672,1008'"));
        scales.Sort();
        return scales;
    }
}
