using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Checkpoints;

public class LoraAdapterTests
{
    private static readonly string Golden = TestFiles.Golden("checkpoints", "llava-v1.5-tiny-lora");

    [Fact]
    public void Open_Golden_GivesPairsUnderLlavasNames()
    {
        using var adapter = LoraAdapter.Open(Golden);

        Assert.Equal((8, 16.0, 2.0), (adapter.Rank, adapter.Alpha, adapter.Scale));
        Assert.Equal(14, adapter.Weights.Count);
        var down = adapter.Weights["model.layers.1.mlp.down_proj.weight"];
        Assert.Equal([8, 176], down.A.Shape);
        Assert.Equal([64, 8], down.B.Shape);
        Assert.Equal(2.0, down.Scale);
        Assert.Empty(adapter.Replacements);
        Assert.Equal(["model.mm_projector.0.bias", "model.mm_projector.0.weight", "model.mm_projector.2.bias", "model.mm_projector.2.weight"], adapter.NonLoraTrainables.Keys.Order());
        Assert.Equal("model.mm_projector.0.bias", adapter.NonLoraTrainables["model.mm_projector.0.bias"].Name);
    }

    [Fact]
    public void Open_EveryWeight_FitsTheModelItIsFor()
    {
        using var adapter = LoraAdapter.Open(Golden);
        var expected = ExpectedTensors.For(LlavaConfig.Load(Path.Combine(Golden, "config.json"))).ToDictionary(t => t.Name, t => t.Shape);

        foreach (var (name, weight) in adapter.Weights)
            Assert.Equal(expected[name], new[] { weight.B.Shape[0], weight.A.Shape[1] });
        foreach (var (name, tensor) in adapter.NonLoraTrainables)
            Assert.Equal(expected[name], tensor.Shape);
    }

    [Theory]
    [InlineData("base_model.model.model.mm_projector.0.weight", "model.mm_projector.0.weight")]
    [InlineData("base_model.model.mm_projector.0.weight", "model.mm_projector.0.weight")]
    [InlineData("model.mm_projector.0.weight", "model.mm_projector.0.weight")]
    [InlineData("base_model.lm_head.weight", "lm_head.weight")]
    public void RenameAll_OneName_FollowsTheOriginal(string name, string expected) => Assert.Equal([expected], LoraAdapter.RenameAll([name]));

    [Fact]
    public void RenameAll_OneDoubledName_StripsAllThatBeginWithModel() =>
        Assert.Equal(["model.a", "b", "lm_head"], LoraAdapter.RenameAll(["base_model.model.model.a", "base_model.model.b", "lm_head"]));

    [Fact]
    public void Open_RankStabilised_ScalesByTheRoot()
    {
        using var temporary = Changed("\"r\": 8", "\"use_rslora\": true, \"r\": 8");
        using var adapter = LoraAdapter.Open(temporary.Path);

        Assert.Equal(16 / Math.Sqrt(8), adapter.Scale);
    }

    [Theory]
    [InlineData("\"peft_type\": \"LORA\"", "\"peft_type\": \"IA3\"", "peft_type")]
    [InlineData("\"fan_in_fan_out\": false", "\"fan_in_fan_out\": true", "fan_in_fan_out")]
    [InlineData("\"r\": 8", "\"r\": 0", "'r'")]
    [InlineData("\"r\": 8", "\"r\": 4", "rank 4")]
    [InlineData("\"rank_pattern\": {}", "\"rank_pattern\": {\"q_proj\": 4}", "rank_pattern")]
    [InlineData("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa\"", "init_lora_weights")]
    [InlineData("\"r\": 8", "\"use_dora\": true, \"r\": 8", "use_dora")]
    [InlineData("\"bias\": \"none\"", "\"bias\": \"some\"", "bias")]
    public void Open_UnsupportedSetting_IsNamed(string old, string @new, string word)
    {
        using var temporary = Changed(old, @new);

        Assert.Contains(word, Assert.Throws<CheckpointException>(() => LoraAdapter.Open(temporary.Path)).Message);
    }

    [Fact]
    public void Open_MatrixWithoutPartner_IsRefused()
    {
        using var temporary = Changed("\"r\": 8", "\"r\": 2");
        File.Delete(temporary.At("adapter_model.bin"));
        var a = TensorToWrite.FromSingles("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight", [2, 3], new float[6]);
        var b = TensorToWrite.FromSingles("base_model.model.model.layers.0.mlp.up_proj.lora_B.weight", [4, 2], new float[8]);
        var bias = TensorToWrite.FromSingles("base_model.model.model.layers.0.mlp.up_proj.bias", [4], new float[4]);
        var path = temporary.At("adapter_model.safetensors");

        SafetensorsWriter.Write(path, [a]);
        Assert.Contains("no matrix B", Assert.Throws<CheckpointException>(() => LoraAdapter.Open(temporary.Path)).Message);
        SafetensorsWriter.Write(path, [b]);
        Assert.Contains("no matrix A", Assert.Throws<CheckpointException>(() => LoraAdapter.Open(temporary.Path)).Message);
        SafetensorsWriter.Write(path, [a, b, bias]);
        using var adapter = LoraAdapter.Open(temporary.Path);
        Assert.Equal(["model.layers.0.mlp.up_proj.bias"], adapter.Replacements.Keys);
    }

    [Fact]
    public void ProjectorFile_Golden_GivesLayersAndFullNames()
    {
        using var file = ProjectorFile.Open(TestFiles.Golden("checkpoints", "llava-tiny-pretrain"));

        Assert.Equal(["0.bias", "0.weight", "2.bias", "2.weight"], file.Layers.Keys.Order());
        Assert.Contains("model.mm_projector.2.bias", file.Tensors.Keys);
    }

    [Fact]
    public void ProjectorFile_WithoutProjector_IsRefused() =>
        Assert.Contains("no projector", Assert.Throws<CheckpointException>(() => ProjectorFile.Open(TestFiles.Golden("checkpoints", "clip-vit-tiny-patch14-56", "pytorch_model.bin"))).Message);

    [Fact]
    public void Extract_Checkpoint_WritesItsProjectorAlone()
    {
        using var temporary = new TemporaryFolder();
        ProjectorFile.Extract(TestFiles.Golden("checkpoints", "llava-v1.6-vicuna-tiny"), temporary.At("mm_projector.bin"));
        using var file = ProjectorFile.Open(temporary.Path);

        Assert.Equal(4, file.Tensors.Count);
        Assert.Equal([64, 64], file.Tensors["model.mm_projector.2.weight"].Shape);
    }

    private static TemporaryFolder Changed(string old, string @new)
    {
        var temporary = new TemporaryFolder();
        temporary.CopyFrom(Golden);
        var path = temporary.At("adapter_config.json");
        var text = File.ReadAllText(path);
        Assert.Contains(old, text);
        File.WriteAllText(path, text.Replace(old, @new));
        return temporary;
    }
}
