using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Formula;
using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Tests.Checkpoints;

public sealed class LanguageModelGgufTests : IDisposable
{
    private const string Tiny = """
        {"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 320,
         "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 50000}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Write_InSinglePrecision_GivesTheSameCheckpoint(bool biases)
    {
        var config = LlavaConfig.FromJson(JsonNode.Parse(Tiny)!.AsObject()).With("attention_bias", biases);
        using var formula = new FormulaTensors(ExpectedTensors.For(config));
        var path = _folder.At("model.gguf");
        var written = new List<string>();
        LanguageModelGguf.Write(path, "tiny", config, formula.Tensors, GgufVocabulary.MadeUp(config.VocabSize), GgufType.F32, GgufType.F32, written.Add);
        using var back = GgufCheckpoint.Open(path);
        Assert.Equal(formula.Tensors.Keys.Order(), back.Tensors.Keys.Order());
        Assert.Equal(formula.Tensors.Keys.Order(), written.Order());
        foreach (var (name, tensor) in formula.Tensors)
        {
            Assert.Equal(tensor.Shape, back.Tensors[name].Shape);
            Assert.Equal(tensor.ToSingles(), back.Tensors[name].ToSingles());
        }
        Assert.Equal(
            (config.HiddenSize, config.IntermediateSize, config.NumHiddenLayers, config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim, config.VocabSize, config.MaxPositionEmbeddings),
            (back.Config.HiddenSize, back.Config.IntermediateSize, back.Config.NumHiddenLayers, back.Config.NumAttentionHeads, back.Config.NumKeyValueHeads, back.Config.HeadDim, back.Config.VocabSize, back.Config.MaxPositionEmbeddings));
        Assert.Equal(
            (config.RopeTheta, (float)config.RmsNormEps, config.AttentionBias, config.TieWordEmbeddings),
            (back.Config.RopeTheta, (float)back.Config.RmsNormEps, back.Config.AttentionBias, back.Config.TieWordEmbeddings));
    }

    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q8_0")]
    public void Write_InBlocks_StoresEachTensorAsStated(string matrices)
    {
        var config = LlavaConfig.FromJson(JsonNode.Parse(Tiny)!.AsObject());
        using var formula = new FormulaTensors(ExpectedTensors.For(config));
        var path = _folder.At("model.gguf");
        LanguageModelGguf.Write(path, "tiny", config, formula.Tensors, GgufVocabulary.MadeUp(config.VocabSize), Enum.Parse<GgufType>(matrices), GgufType.Q8_0);
        using var file = GgufFile.Open(path);
        Assert.All(file.Tensors.Values, tensor => Assert.Equal(
            tensor.Name.Contains("norm") ? "F32" : tensor.Name == "output.weight" ? "Q8_0" : matrices, tensor.Type.ToString()));
        Assert.Equal(matrices == "Q4_0" ? 2 : 7, file.Integer("general.file_type"));
        Assert.Equal(320, file.Find<string[]>("tokenizer.ggml.tokens")!.Distinct().Count());
    }

    [Fact]
    public void Write_GoldenModel_GivesTheSameBlocksAgain()
    {
        using var golden = GgufCheckpoint.Open(TestFiles.Golden("gguf", "text-q8_0.gguf"));
        var config = golden.Config;
        var path = _folder.At("again.gguf");
        LanguageModelGguf.Write(path, "again", config, golden.Tensors, GgufVocabulary.MadeUp(config.VocabSize), GgufType.Q8_0, GgufType.Q8_0);
        using var again = GgufFile.Open(path);
        Assert.Equal(golden.File.Tensors.Keys.Order(), again.Tensors.Keys.Order());
        foreach (var tensor in golden.File.Tensors.Values)
            for (var row = 0; row < tensor.Rows; row++)
                Assert.Equal(tensor.Row(row), again.Tensors[tensor.Name].Row(row));   // of a level 127 in every block the scale is restored exactly
    }

    [Fact]
    public void Write_WhatTheArchitectureLacks_IsRefused()
    {
        var config = LlavaConfig.FromJson(JsonNode.Parse(Tiny)!.AsObject());
        using var formula = new FormulaTensors(ExpectedTensors.For(config));
        var vocabulary = GgufVocabulary.MadeUp(config.VocabSize);
        Refused("window", config.With([new("model_type", "mistral"), new("sliding_window", 128)]), vocabulary);
        Refused("dynamic", config.With("rope_scaling", new JsonObject { ["type"] = "dynamic", ["factor"] = 2 }), vocabulary);
        Refused("pieces", config, GgufVocabulary.MadeUp(321));
        Refused("model.layers.2.self_attn.q_proj.weight", config.With("num_hidden_layers", 3), vocabulary);
        Assert.Contains("259", Assert.Throws<CheckpointException>(() => GgufVocabulary.MadeUp(258)).Message);

        void Refused(string why, LlavaConfig other, GgufVocabulary pieces) =>
            Assert.Contains(why, Assert.Throws<CheckpointException>(() => LanguageModelGguf.Write(_folder.At("no.gguf"), "no", other, formula.Tensors, pieces, GgufType.Q8_0, GgufType.Q8_0)).Message);
    }
}
