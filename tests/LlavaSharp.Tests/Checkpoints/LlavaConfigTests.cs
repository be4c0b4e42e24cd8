using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Checkpoints;

public class LlavaConfigTests
{
    [Fact]
    public void Load_Golden_ReadsKeys()
    {
        var config = LlavaConfig.Load(TestFiles.Golden("checkpoints", "llava-v1.6-vicuna-tiny", "config.json"));

        Assert.Equal((64, 176, 2, 4, 4, 16), (config.HiddenSize, config.IntermediateSize, config.NumHiddenLayers, config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim));
        Assert.Equal((1024, 2048, 1e-5, 10000.0), (config.VocabSize, config.MaxPositionEmbeddings, config.RmsNormEps, config.RopeTheta));
        Assert.Equal((32, "mlp2x_gelu", 2, -2), (config.MmHiddenSize, config.MmProjectorType, config.MmProjectorDepth, config.MmVisionSelectLayer));
        Assert.Equal(("anyres", "spatial_unpad", true), (config.ImageAspectRatio, config.MmPatchMergeType, config.HasImageNewline));
        Assert.Equal([(56, 112), (112, 56), (112, 112), (168, 56), (56, 168)], config.ImageGridPinpoints);
        Assert.Equal((2048, StoredDataType.BFloat16, false, false), (config.TokenizerModelMaxLength, config.TorchDataType, config.MmUseImPatchToken, config.MmUseImStartEnd));
        Assert.Equal((1, 0), (config.BosTokenId, config.PadTokenId));
        Assert.Equal([2], config.EosTokenIds);
        Assert.Null(config.RopeScaling);
        Assert.Null(config.SlidingWindow);
    }

    [Fact]
    public void Parse_NothingStated_GivesTheLibrarysDefaults()
    {
        var llama = Parse("""{"model_type": "llava_llama"}""");
        Assert.Equal((4096, 11008, 32, 32, 32, 32000, 2048, 1e-6, 10000.0, false),
            (llama.HiddenSize, llama.IntermediateSize, llama.NumHiddenLayers, llama.NumAttentionHeads, llama.NumKeyValueHeads, llama.VocabSize, llama.MaxPositionEmbeddings, llama.RmsNormEps, llama.RopeTheta, llama.TieWordEmbeddings));
        Assert.Equal(("linear", "patch", "flat", true, "right", null as string), (llama.MmProjectorType, llama.MmVisionSelectFeature, llama.MmPatchMergeType, llama.MmUseImPatchToken, llama.TokenizerPaddingSide, llama.ImageAspectRatio));

        var mistral = Parse("""{"model_type": "llava_mistral"}""");
        Assert.Equal((14336, 8, 131072, 4096), (mistral.IntermediateSize, mistral.NumKeyValueHeads, mistral.MaxPositionEmbeddings, mistral.SlidingWindow));

        var mpt = Parse("""{"model_type": "llava_mpt"}""");
        Assert.Equal((2048, 8192, 24, 16, 50368, true, true, 8), (mpt.HiddenSize, mpt.IntermediateSize, mpt.NumHiddenLayers, mpt.NumAttentionHeads, mpt.VocabSize, mpt.TieWordEmbeddings, mpt.MptAttention.Alibi, mpt.MptAttention.AlibiBiasMax));
    }

    [Fact]
    public void Parse_NullWhereNullMeansNone_IsNotTheDefault()
    {
        var config = Parse("""{"model_type": "llava_mistral", "sliding_window": null, "num_key_value_heads": null, "rope_scaling": null}""");

        Assert.Null(config.SlidingWindow);
        Assert.Equal(32, config.NumKeyValueHeads);
    }

    [Theory]
    [InlineData("""{"model_type": "llava", "architectures": ["LlavaLlamaForCausalLM"]}""", ModelFamily.Llama)]
    [InlineData("""{"model_type": "llava", "architectures": ["LlavaMistralForCausalLM"]}""", ModelFamily.Mistral)]
    [InlineData("""{"model_type": "llava", "architectures": ["LlavaMPTForCausalLM"]}""", ModelFamily.Mpt)]
    [InlineData("""{"model_type": "llava_mistral", "architectures": ["LlamaForCausalLM"]}""", ModelFamily.Mistral)]
    [InlineData("""{"model_type": "mpt"}""", ModelFamily.Mpt)]
    [InlineData("""{"d_model": 64, "n_layers": 2, "n_heads": 4}""", ModelFamily.Mpt)]
    [InlineData("""{"model_type": "llama"}""", ModelFamily.Llama)]
    public void Parse_Family_ComesFromTypeThenArchitectures(string json, ModelFamily family) => Assert.Equal(family, Parse(json).Family);

    [Theory]
    [InlineData("""{"rope_scaling": {"type": "linear", "factor": 2.0}}""", "linear", 2.0)]
    [InlineData("""{"rope_scaling": {"rope_type": "dynamic", "factor": 4}}""", "dynamic", 4.0)]
    public void Parse_RopeScaling_EitherSpelling(string json, string kind, double factor) => Assert.Equal(new RopeScaling(kind, factor), Parse(json).RopeScaling);

    [Theory]
    [InlineData("""[[336, 672], [672, 336]]""", 2)]
    [InlineData("\"[(336, 672), (672, 336), (1008, 336),]\"", 3)]
    [InlineData("\" ( [336,672] , (672, 336), ) \"", 2)]
    [InlineData("\"(1x1),...,(6x6)\"", null)]
    [InlineData("\"[(336, 672), __import__('os')]\"", null)]
    [InlineData("\"[(336, -672)]\"", null)]
    [InlineData("\"\"", null)]
    [InlineData("null", null)]
    public void Parse_Pinpoints_ListOrText(string value, int? count)
    {
        var config = Parse($$"""{"image_grid_pinpoints": {{value}} }""");

        Assert.Equal(count, config.ImageGridPinpoints?.Count);
        if (count is not null)
            Assert.Equal((336, 672), config.ImageGridPinpoints![0]);
        Assert.Equal(value.StartsWith('"') ? value.Trim('"') : null, config.ImageGridPinpointsText);
    }

    [Theory]
    [InlineData("""{"hidden_size": "64"}""", "hidden_size")]
    [InlineData("""{"hidden_size": -64}""", "hidden_size")]
    [InlineData("""{"hidden_size": 64.5}""", "hidden_size")]
    [InlineData("""{"hidden_size": 1e308}""", "hidden_size")]
    [InlineData("""{"num_attention_heads": 0}""", "num_attention_heads")]
    [InlineData("""{"num_attention_heads": 7}""", "num_attention_heads")]
    [InlineData("""{"num_key_value_heads": 3}""", "num_key_value_heads")]
    [InlineData("""{"num_key_value_heads": 64}""", "num_key_value_heads")]
    [InlineData("""{"num_hidden_layers": 1000000000}""", "num_hidden_layers")]
    [InlineData("""{"vocab_size": []}""", "vocab_size")]
    [InlineData("""{"rms_norm_eps": -1}""", "rms_norm_eps")]
    [InlineData("""{"rope_theta": 0}""", "rope_theta")]
    [InlineData("""{"rope_scaling": {"factor": 2}}""", "type")]
    [InlineData("""{"rope_scaling": {"type": "linear"}}""", "factor")]
    [InlineData("""{"rope_scaling": {"rope_type": "llama3", "factor": 8}}""", "rope_type")]
    [InlineData("""{"rope_scaling": "linear"}""", "rope_scaling")]
    [InlineData("""{"tie_word_embeddings": "no"}""", "tie_word_embeddings")]
    [InlineData("""{"architectures": [3]}""", "architectures")]
    [InlineData("""{"eos_token_id": [2, "x"]}""", "eos_token_id")]
    [InlineData("""{"model_type": "qwen2"}""", "model_type")]
    [InlineData("""{"mm_projector_type": "mlp9999x_gelu"}""", "mm_projector_type")]
    [InlineData("""{"mm_projector_type": "mlpx_gelu"}""", "mm_projector_type")]
    [InlineData("""{"mm_projector_type": "mlp_gelu"}""", "mm_projector_type")]
    [InlineData("""{"mm_projector_type": "qformer"}""", "mm_projector_type")]
    [InlineData("""{"mm_vision_select_feature": "cls"}""", "mm_vision_select_feature")]
    [InlineData("""{"mm_patch_merge_type": "conv"}""", "mm_patch_merge_type")]
    [InlineData("""{"image_grid_pinpoints": {"a": 1}}""", "image_grid_pinpoints")]
    [InlineData("""{"s2_scales": "336,x"}""", "s2_scales")]
    [InlineData("""{"mm_vision_tower": "x", "mm_vision_select_layer": -2}""", "mm_hidden_size")]
    [InlineData("""{"mm_vision_tower": "x", "mm_hidden_size": 32}""", "mm_vision_select_layer")]
    [InlineData("""{"text_config": {}}""", "Hugging Face layout")]
    public void Parse_HostileValue_NamesKeyAndFile(string json, string word)
    {
        var message = Assert.Throws<CheckpointException>(() => Parse(json)).Message;
        Assert.Contains(word, message);
        Assert.Contains("some/config.json", message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"a\": NaN}")]
    [InlineData("{\"a\": 1, \"a\": 2}")]
    [InlineData("{\"a\": 1")]
    public void Parse_NoJsonObject_IsRefused(string json) => Assert.Throws<CheckpointException>(() => Parse(json));

    [Fact]
    public void With_Overrides_SetSingleValues()
    {
        var config = LlavaConfig.Load(TestFiles.Golden("checkpoints", "llava-v1.6-vicuna-tiny", "config.json"));
        var other = config.With(new Dictionary<string, JsonNode?> { ["mm_patch_merge_type"] = "flat", ["image_aspect_ratio"] = null, ["tokenizer_model_max_length"] = 24 });

        Assert.Equal(("flat", null as string, 24), (other.MmPatchMergeType, other.ImageAspectRatio, other.TokenizerModelMaxLength));
        Assert.Equal("spatial_unpad", config.MmPatchMergeType);
        Assert.Equal(16, config.With("max_position_embeddings", 16).MaxPositionEmbeddings);
        Assert.Throws<CheckpointException>(() => config.With("num_attention_heads", 0));
    }

    [Fact]
    public void ClipConfig_FlatNestedAndDefault_AreRead()
    {
        var golden = ClipVisionConfig.Load(TestFiles.Golden("checkpoints", "clip-vit-tiny-patch14-56"));
        Assert.Equal((32, 64, 3, 4, 56, 14, 16), (golden.HiddenSize, golden.IntermediateSize, golden.NumHiddenLayers, golden.NumAttentionHeads, golden.ImageSize, golden.PatchSize, golden.PatchCount));

        var nested = ClipVisionConfig.Parse("""{"model_type": "clip", "vision_config": {"hidden_size": 1024, "num_attention_heads": 16, "patch_size": 14, "image_size": 336}}"""u8);
        Assert.Equal((1024, 12, 576, "quick_gelu", 1e-5), (nested.HiddenSize, nested.NumHiddenLayers, nested.PatchCount, nested.HiddenAct, nested.LayerNormEps));

        Assert.Equal((768, 3072, 12, 12, 224, 32), ClipVisionConfig.Parse("{}"u8) is var d ? (d.HiddenSize, d.IntermediateSize, d.NumHiddenLayers, d.NumAttentionHeads, d.ImageSize, d.PatchSize) : default);
        Assert.Throws<CheckpointException>(() => ClipVisionConfig.Parse("""{"model_type": "llama"}"""u8));
        Assert.Throws<CheckpointException>(() => ClipVisionConfig.Parse("""{"patch_size": 0}"""u8));
        Assert.Throws<CheckpointException>(() => ClipVisionConfig.Parse("""{"patch_size": 225}"""u8));
    }

    private static LlavaConfig Parse(string json) => LlavaConfig.Parse(Encoding.UTF8.GetBytes(json), "some/config.json");
}
