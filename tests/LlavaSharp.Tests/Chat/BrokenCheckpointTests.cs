using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Tests.Checkpoints;

namespace LlavaSharp.Tests.Chat;

/// <summary>Checkpoints whose weights and config do not go together: every error names the checkpoint and the tensors.</summary>
public sealed class BrokenCheckpointTests : IDisposable
{
    private const string Broken = "model.layers.1.mlp.gate_proj.weight";

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Load_CopyOfTheCheckpoint_IsAccepted()
    {
        Copy(config => { }, tensor => TensorToWrite.FromStored(tensor));

        using var model = Load();

        Assert.True(model.SeesImages);
    }

    [Fact]
    public void Load_TensorsMissingMisshapenAndUnexpected_ListsEachOnce()
    {
        Copy(config => { }, tensor => tensor.Name switch
        {
            "model.norm.weight" => null,
            "model.layers.0.input_layernorm.weight" => TensorToWrite.FromStored(tensor, "model.layers.0.banana.weight"),
            Broken => TensorToWrite.FromBytes(Broken, tensor.DataType, [tensor.Shape[1], tensor.Shape[0]], tensor.Bytes.ToArray()),
            _ => TensorToWrite.FromStored(tensor),
        });

        var message = Assert.Throws<CheckpointException>(Load).Message;

        Assert.StartsWith($"The weights of '{_temporary.Path}' do not fit its config.json (4 tensors)", message);
        Assert.Contains("missing: model.norm.weight [64]", message);
        Assert.Contains("missing: model.layers.0.input_layernorm.weight [64]", message);
        Assert.Contains($"wrong shape: {Broken} is [64, 176], not [176, 64] (model.safetensors)", message);
        Assert.Contains("unexpected: model.layers.0.banana.weight [64]", message);
    }

    [Fact]
    public void Load_ConfigWithMoreLayers_CountsWhatIsMissing()
    {
        Copy(config => config["num_hidden_layers"] = 9, tensor => TensorToWrite.FromStored(tensor));

        Assert.Contains("(63 tensors)", Assert.Throws<CheckpointException>(Load).Message);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Load_ValueThatIsNotFinite_NamesTensorAndPlace(float value)
    {
        Copy(config => { }, tensor =>
        {
            if (tensor.Name != Broken)
                return TensorToWrite.FromStored(tensor);
            var values = tensor.ToSingles();
            values[77] = value;
            return TensorToWrite.FromSingles(Broken, tensor.Shape, values);
        });

        var error = Assert.Throws<CheckpointException>(Load);

        Assert.Equal(Broken, error.Tensor);
        Assert.Contains("element 77", error.Message);
        Assert.Contains("model.safetensors", error.Message);
    }

    [Fact]
    public void Load_TowerThatIsNowhere_SaysWhereWasLooked()
    {
        Copy(config => config["mm_vision_tower"] = "nobody/clip-none", tensor => TensorToWrite.FromStored(tensor));

        var message = Assert.Throws<CheckpointException>(Load).Message;

        Assert.Contains(Path.Combine(_temporary.Path, "clip-none"), message);
        Assert.Contains("in the cache", message);
    }

    private LlavaModel Load() => LlavaModel.Load(_temporary.Path, options: TinyModel.Options);

    private void Copy(Action<JsonObject> edit, Func<StoredTensor, TensorToWrite?> change)
    {
        foreach (var file in Directory.EnumerateFiles(TinyModel.Folder).Where(file => !Path.GetFileName(file).StartsWith("pytorch_model", StringComparison.Ordinal)))
            File.Copy(file, _temporary.At(Path.GetFileName(file)));
        using var folder = CheckpointFolder.Open(TinyModel.Folder);
        var config = folder.ConfigJson;
        config["mm_vision_tower"] = TestFiles.Golden("checkpoints", "clip-vit-tiny-patch14-56");
        edit(config);
        _temporary.Write("config.json", config.ToJsonString());
        SafetensorsWriter.Write(_temporary.At("model.safetensors"), folder.Tensors.Values.Select(change).OfType<TensorToWrite>());
    }
}
