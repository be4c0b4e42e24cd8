using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Checkpoints;

public class CheckpointFolderTests
{
    [Fact]
    public void Open_BinShards_GivesTensorsWithoutRotaryTables()
    {
        using var folder = CheckpointFolder.Open(TestFiles.Golden("checkpoints", "llava-v1.5-tiny"));

        Assert.Equal(2, folder.WeightPaths.Count);
        Assert.Equal(25, folder.Tensors.Count);
        Assert.DoesNotContain(folder.Tensors.Keys, name => name.Contains("inv_freq"));
        Assert.All(folder.Tensors.Values, tensor => Assert.Equal(StoredDataType.Float16, tensor.DataType));
        Assert.Equal(ModelFamily.Llama, folder.Config.Family);
    }

    [Fact]
    public void Open_SafetensorsShards_GivesTowerAndNewline()
    {
        using var folder = CheckpointFolder.Open(TestFiles.Golden("checkpoints", "llava-v1.6-vicuna-tiny"));

        Assert.Equal(3, folder.Files.Count);
        Assert.Equal([64], folder.Get("model.image_newline").Shape);
        Assert.Contains("model.vision_tower.vision_tower.vision_model.post_layernorm.bias", folder.Tensors.Keys);
        Assert.True(folder.Config.UnfreezeMmVisionTower && folder.Config.HasImageNewline);
    }

    [Fact]
    public void Open_BothContainers_PrefersSafetensors()
    {
        using var temporary = new TemporaryFolder();
        temporary.CopyFrom(TestFiles.Golden("checkpoints", "llava-v1.5-tiny"));
        temporary.CopyFrom(TestFiles.Golden("checkpoints", "llava-v1.6-vicuna-tiny"));
        using var folder = CheckpointFolder.Open(temporary.Path);

        Assert.All(folder.WeightPaths, path => Assert.EndsWith(".safetensors", path));
    }

    [Fact]
    public void Open_ShardMissing_NamesShardAndIndex()
    {
        using var temporary = new TemporaryFolder();
        temporary.CopyFrom(TestFiles.Golden("checkpoints", "llava-v1.5-tiny"));
        File.Delete(temporary.At("pytorch_model-00002-of-00002.bin"));

        var error = Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(temporary.Path));
        Assert.Contains("pytorch_model-00002-of-00002.bin", error.Message);
        Assert.Contains("pytorch_model.bin.index.json", error.Message);
    }

    [Fact]
    public void Open_IndexPromisesTensorThatShardLacks_NamesIt()
    {
        using var temporary = new TemporaryFolder();
        temporary.CopyFrom(TestFiles.Golden("checkpoints", "llava-v1.5-tiny"));
        var index = temporary.At("pytorch_model.bin.index.json");
        File.WriteAllText(index, File.ReadAllText(index).Replace("model.norm.weight", "model.nurm.weight"));
        using var folder = CheckpointFolder.Open(temporary.Path);

        Assert.Equal("model.nurm.weight", Assert.Throws<CheckpointException>(() => folder.Tensors).Tensor);
    }

    [Theory]
    [InlineData("../evil.bin")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("a\\\\b")]
    public void Open_IndexNamesFileElsewhere_IsRefused(string shard)
    {
        using var temporary = new TemporaryFolder();
        temporary.Write("config.json", """{"model_type": "llama"}""");
        temporary.Write("model.safetensors.index.json", $$"""{"weight_map": {"a": "{{shard}}"} }""");

        Assert.Contains("not a file beside the index", Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(temporary.Path)).Message);
    }

    [Fact]
    public void Open_FileInsteadOfFolder_NamesTheFolder()
    {
        var file = TestFiles.Golden("checkpoints", "vicuna-tiny", "config.json");

        Assert.Contains(Path.GetDirectoryName(file)! + "'?", Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(file)).Message);
    }

    [Fact]
    public void Open_EmptyConfig_SaysSo()
    {
        using var temporary = new TemporaryFolder();
        temporary.Write("config.json", "");

        Assert.Contains("is empty. Fetch it again", Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(temporary.Path)).Message);
    }

    [Fact]
    public void Open_WithoutConfig_SaysWhatWasLookedFor()
    {
        using var temporary = new TemporaryFolder();

        var message = Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(temporary.Path)).Message;
        Assert.Contains("no config.json", message);
        Assert.Contains("pytorch_model.bin", message);
    }

    [Fact]
    public void Tensors_AdapterOnly_AsksForTheBase()
    {
        using var folder = CheckpointFolder.Open(TestFiles.Golden("checkpoints", "llava-v1.5-tiny-lora"));

        Assert.Contains("--model-base", Assert.Throws<CheckpointException>(() => folder.Tensors).Message);
    }

    [Fact]
    public void Open_MptConfigWithoutFamily_TakesItFromTheTensors()
    {
        using var temporary = new TemporaryFolder();
        temporary.CopyFrom(TestFiles.Golden("checkpoints", "llava-mpt-tiny"));
        var config = temporary.At("config.json");
        File.WriteAllText(config, """{"model_type": "llava", "vocab_size": 1024}""");
        using var folder = CheckpointFolder.Open(temporary.Path);

        Assert.Equal(ModelFamily.Mpt, folder.Config.Family);
    }
}
