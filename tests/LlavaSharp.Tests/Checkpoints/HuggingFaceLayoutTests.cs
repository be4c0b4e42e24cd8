using System.Text;
using System.Text.Json;
using LlavaSharp.Checkpoints;
using LlavaSharp.Prompts;

namespace LlavaSharp.Tests.Checkpoints;

public class HuggingFaceLayoutTests
{
    private const string Llava = "\"model_type\": \"llava\", ";
    private const string Next = "\"model_type\": \"llava_next\", ";

    [Theory]
    [InlineData("language_model.model.layers.3.mlp.up_proj.weight", "model.layers.3.mlp.up_proj.weight")]
    [InlineData("language_model.lm_head.weight", "lm_head.weight")]
    [InlineData("vision_tower.vision_model.pre_layrnorm.bias", "model.vision_tower.vision_tower.vision_model.pre_layrnorm.bias")]
    [InlineData("multi_modal_projector.linear_1.weight", "model.mm_projector.0.weight")]
    [InlineData("multi_modal_projector.linear_2.bias", "model.mm_projector.2.bias")]
    [InlineData("image_newline", "model.image_newline")]
    [InlineData("model.language_model.embed_tokens.weight", "model.embed_tokens.weight")]
    [InlineData("model.vision_tower.vision_model.post_layernorm.weight", "model.vision_tower.vision_tower.vision_model.post_layernorm.weight")]
    [InlineData("model.multi_modal_projector.linear_1.bias", "model.mm_projector.0.bias")]
    [InlineData("model.multi_modal_projector.linear_2.weight", "model.mm_projector.2.weight")]
    [InlineData("model.image_newline", "model.image_newline")]
    [InlineData("lm_head.weight", "lm_head.weight")]
    [InlineData("image_newline_too", "image_newline_too")]
    [InlineData("multi_modal_projector.linear_3.weight", "multi_modal_projector.linear_3.weight")]
    [InlineData("language_model.modelling", "language_model.modelling")]
    public void UsualName_EitherLayout_IsTheOriginals(string stored, string usual) => Assert.Equal(usual, HuggingFaceLayout.UsualName(stored));

    [Fact]
    public void Parse_NothingStated_GivesTheLibrarysDefaults()
    {
        var config = Parse("""{"model_type": "llava_next", "architectures": ["LlavaNextForConditionalGeneration"]}""");

        Assert.Equal((4096, 32000, ModelFamily.Llama, 32000), (config.HiddenSize, config.VocabSize, config.Family, config.ImageTokenId));
        Assert.Equal((1024, 4096, 24, 16, 336, 14), config.VisionConfig is { } v ? (v.HiddenSize, v.IntermediateSize, v.NumHiddenLayers, v.NumAttentionHeads, v.ImageSize, v.PatchSize) : default);
        Assert.Equal(("mlp2x_gelu", 1024, -2, "patch"), (config.MmProjectorType, config.MmHiddenSize, config.MmVisionSelectLayer, config.MmVisionSelectFeature));
        Assert.Equal(("anyres", "spatial_unpad", false), (config.ImageAspectRatio, config.MmPatchMergeType, config.MmUseImPatchToken));
        Assert.Equal([(672, 336), (336, 672), (672, 672), (336, 1008), (1008, 336)], config.ImageGridPinpoints);
    }

    [Fact]
    public void Load_ReleaseFourThirtySeven_TakesWhatItLeavesOutFromTheClasses()
    {
        var config = LlavaConfig.Load(TestFiles.Golden("llava-hf", "llava15-llama-tf437", "config.json"));

        // the 32000 outside text_config is wrong
        Assert.Equal((1088, 1024, 2048, 10000.0, "silu", false), (config.VocabSize, config.ImageTokenId, config.MaxPositionEmbeddings, config.RopeTheta, config.HiddenAct, config.TieWordEmbeddings));
        Assert.Equal(("flat", null as string, StoredDataType.Float16, "quick_gelu", 1e-5), (config.MmPatchMergeType, config.ImageAspectRatio, config.TorchDataType, config.VisionConfig!.HiddenAct, config.VisionConfig.LayerNormEps));
        Assert.Equal((1, 1025), (config.BosTokenId, config.PadTokenId));
        Assert.Equal([2], config.EosTokenIds);
    }

    [Fact]
    public void Load_PinpointsAndNewerType_AreTranslatedInOrder()
    {
        var config = LlavaConfig.Load(TestFiles.Golden("llava-hf", "llava-next-llama-newlayout", "config.json"));

        // (height, width) in the file
        Assert.Equal([(112, 56), (56, 112), (112, 112), (56, 168), (168, 56)], config.ImageGridPinpoints);
        Assert.Equal(StoredDataType.Float16, config.TorchDataType);
    }

    [Fact]
    public void Parse_KeysOfTheLanguageModel_AreTakenFromInsideFirst()
    {
        var config = Parse($$"""
            {{{Llava}} "eos_token_id": 9, "pad_token_id": 8, "tie_word_embeddings": true, "hidden_size": 7, "image_token_id": 77, "vision_feature_select_strategy": "full",
            "text_config": {"model_type": "mistral", "eos_token_id": [3, 4], "tie_word_embeddings": false, "sliding_window": null, "image_aspect_ratio": "pad",
            "rope_parameters": {"rope_type": "linear", "factor": 2, "rope_theta": 1e6} } }
            """);

        Assert.Equal((ModelFamily.Mistral, 4096, 8, false, null as int?), (config.Family, config.HiddenSize, config.PadTokenId, config.TieWordEmbeddings, config.SlidingWindow));
        Assert.Equal([3, 4], config.EosTokenIds);
        Assert.Equal((1e6, new RopeScaling("linear", 2)), (config.RopeTheta, config.RopeScaling));
        Assert.Equal((77, "cls_patch", null as string), (config.ImageTokenId, config.MmVisionSelectFeature, config.ImageAspectRatio));
    }

    [Fact]
    public void With_Overrides_KeepTowerAndMarker()
    {
        var config = LlavaConfig.Load(TestFiles.Golden("llava-hf", "llava15-llama-tf437", "config.json")).With("image_aspect_ratio", "pad");

        Assert.Equal(("pad", 1024, 56, true), (config.ImageAspectRatio, config.ImageTokenId, config.VisionConfig!.ImageSize, config.IsHuggingFace));
    }

    [Theory]
    [InlineData("\"model_type\": \"llava_onevision\", ", "llava_onevision")]
    [InlineData("", "Hugging Face layout")]
    [InlineData(Llava + "\"text_config\": {\"model_type\": \"qwen2\"}, ", "text_config) has the model_type 'qwen2'")]
    [InlineData(Llava + "\"vision_config\": {\"model_type\": \"siglip_vision_model\"}, ", "vision_config) has the model_type 'siglip_vision_model'")]
    [InlineData(Llava + "\"quantization_config\": {\"quant_method\": \"awq\"}, ", "quantised (quantization_config, awq)")]
    [InlineData(Llava + "\"text_config\": [], ", "text_config")]
    [InlineData(Llava + "\"vision_config\": 3, ", "vision_config")]
    [InlineData(Llava + "\"vision_config\": {\"hidden_size\": 0}, ", "hidden_size")]
    [InlineData(Llava + "\"vision_feature_layer\": [-2, -5], ", "vision_feature_layer")]
    [InlineData(Llava + "\"vision_feature_select_strategy\": \"cls\", ", "vision_feature_select_strategy")]
    [InlineData(Llava + "\"projector_hidden_act\": \"relu\", ", "projector_hidden_act")]
    [InlineData(Llava + "\"multimodal_projector_bias\": false, ", "multimodal_projector_bias")]
    [InlineData(Llava + "\"image_token_index\": -1, ", "image_token_index")]
    [InlineData(Next + "\"image_grid_pinpoints\": [[336]], ", "image_grid_pinpoints")]
    [InlineData(Next + "\"image_grid_pinpoints\": [], ", "image_grid_pinpoints")]
    [InlineData(Next + "\"use_image_newline_parameter\": false, ", "use_image_newline_parameter")]
    [InlineData(Llava + "\"text_config\": {\"rope_parameters\": {\"rope_type\": \"yarn\", \"factor\": 4}}, ", "rope_type")]
    public void Parse_WhatIsNotSupported_NamesItAndTheFile(string keys, string word)
    {
        var message = Assert.Throws<CheckpointException>(() => Parse($$"""{{{keys}}"architectures": ["LlavaForConditionalGeneration"]}""")).Message;

        Assert.Contains(word, message);
        Assert.Contains("some/config.json", message);
    }

    [Theory]
    [InlineData(Llava, "llama", "anything", "llava_v1")]
    [InlineData(Llava, "mistral", "anything", "llava_v1")]
    [InlineData(Next, "mistral", "anything", "mistral_instruct")]
    [InlineData(Next, "llama", "anything", "llava_v1")]
    [InlineData(Next, "llama", "llava-v1.6-34b-hf", "chatml_direct")]
    [InlineData(Next + "\"conversation_template\": \"plain\", ", "llama", "llava-v1.6-34b-hf", "plain")]
    public void Template_ConfigThenName_Decides(string keys, string language, string name, string template) =>
        Assert.Equal(template, ConversationTemplates.NameFor(Parse($$$"""{{{{keys}}}"text_config": {"model_type": "{{{language}}}"} }"""), name, hasChatTemplate: false));

    [Fact]
    public void Template_OriginalsLayout_FollowsTheOriginalsRules() => Assert.Equal("llava_v0", ConversationTemplates.NameFor(Parse("""{"model_type": "llava"}"""), "anything", hasChatTemplate: false));

    [Fact]
    public void Inspect_Folder_IsSoundAndWhole()
    {
        var report = CheckpointInspector.Inspect(TestFiles.Golden("llava-hf", "llava-next-llama-newlayout"));

        Assert.True(report.IsSound);
        Assert.Equal((CheckpointKind.Full, "v1.6", ModelFamily.Llama, true, true, 0L), (report.Kind, report.Version, report.Family, report.HasTowerInside, report.UsesTowerInside, report.OutsideTowerParameters));
        Assert.Equal((6272, 64), (report.Parameters[ModelPart.Projector], report.Parameters[ModelPart.ImageNewline]));
    }

    [Fact]
    public void Inspect_TensorsThatDoNotFit_AreListed()
    {
        using var temporary = new TemporaryFolder();
        var source = TestFiles.Golden("llava-hf", "llava-next-llama-newlayout");
        File.Copy(Path.Combine(source, "config.json"), temporary.At("config.json"));
        using (var file = TensorFile.Open(Path.Combine(source, "model.safetensors")))
            SafetensorsWriter.Write(temporary.At("model.safetensors"), file.Tensors.Values.Select(t => TensorToWrite.FromStored(t, t.Name.Replace("linear_2.bias", "linear_3.bias", StringComparison.Ordinal))));

        var report = CheckpointInspector.Inspect(temporary.Path);

        Assert.Equal("model.mm_projector.2.bias", Assert.Single(report.Missing).Name);
        Assert.Equal("model.multi_modal_projector.linear_3.bias", Assert.Single(report.Unexpected).Name);
    }

    [Fact]
    public void Open_VocabularyLeftOut_IsAsLongAsItsEmbedding()
    {
        using var temporary = new TemporaryFolder();
        temporary.CopyFrom(TestFiles.Golden("llava-hf", "llava15-llama-tf437"));
        temporary.Write("config.json", File.ReadAllText(temporary.At("config.json")).Replace("\"vocab_size\": 1088", "\"mlp_bias\": false", StringComparison.Ordinal));

        using var folder = CheckpointFolder.Open(temporary.Path);

        Assert.Equal(1088, folder.Config.VocabSize);
    }

    [Fact]
    public void Open_NameInBothLayouts_IsRefused()
    {
        using var temporary = new TemporaryFolder();
        temporary.Write("config.json", $$"""{{{Llava}}"text_config": {"vocab_size": 8} }""");
        SafetensorsWriter.Write(temporary.At("model.safetensors"),
            [TensorToWrite.FromSingles("language_model.model.norm.weight", [2], new float[2]), TensorToWrite.FromSingles("model.language_model.norm.weight", [2], new float[2])]);
        using var folder = CheckpointFolder.Open(temporary.Path);

        Assert.Contains("'model.norm.weight'", Assert.Throws<CheckpointException>(() => folder.Tensors).Message);
    }

    [Fact]
    public void MakeDelta_HuggingFaceFolder_IsRefused()
    {
        using var temporary = new TemporaryFolder();
        var error = Assert.Throws<CheckpointException>(() => DeltaTools.Make(TestFiles.Golden("checkpoints", "vicuna-tiny"), TestFiles.Golden("llava-hf", "llava15-llama-tf437"), temporary.At("delta")));

        Assert.Contains("Hugging Face layout", error.Message);
        Assert.False(Directory.Exists(temporary.At("delta")));
    }

    private static LlavaConfig Parse(string json) => LlavaConfig.Parse(Encoding.UTF8.GetBytes(json), "some/config.json");
}
