using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Tests.Checkpoints;

namespace LlavaSharp.Tests.Chat;

/// <summary>What an adapter brings that cannot be told apart by request is refused by its name.</summary>
public sealed class AdapterRefusalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("base_model.model.model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.q_proj.bias")]
    [InlineData("base_model.model.model.embed_tokens.weight", "model.embed_tokens.weight")]
    public void Load_ReplacedTensor_IsNamed(string added, string named)
    {
        Write();
        Rewrite(tensors => tensors.Append(TensorToWrite.FromSingles(added, [2], new float[2])));

        Assert.Contains(named, Fails<CheckpointException>().Message);
    }

    [Theory]
    [InlineData("model.mm_projector.0", 160, 128)]
    [InlineData("model.layers.9.self_attn.q_proj", 160, 160)]
    [InlineData("model.vision_tower.vision_tower.vision_model.encoder.layers.0.mlp.fc1", 8, 8)]
    public void Load_MatricesOfNoLayer_AreNamed(string slot, int outputs, int inputs)
    {
        Write();
        Rewrite(tensors => tensors.Append(TensorToWrite.FromSingles($"base_model.model.{slot}.lora_A.weight", [4, inputs], new float[4 * inputs]))
            .Append(TensorToWrite.FromSingles($"base_model.model.{slot}.lora_B.weight", [outputs, 4], new float[4 * outputs])));

        Assert.Contains(slot + ".weight", Fails<CheckpointException>().Message);
    }

    [Fact]
    public void Load_MatricesOfAnotherSize_AreNamed()
    {
        Write();
        Rewrite(tensors => tensors.Select(tensor => tensor.Name.EndsWith("layers.1.self_attn.v_proj.lora_B.weight", StringComparison.Ordinal) ? TensorToWrite.FromSingles(tensor.Name, [80, 4], new float[320]) : tensor));

        var message = Fails<CheckpointException>().Message;
        Assert.Contains("model.layers.1.self_attn.v_proj.weight", message);
        Assert.Contains("'mine'", message);
    }

    [Fact]
    public void Load_NumberThatIsNotFinite_IsNamed()
    {
        Write();
        Rewrite(tensors => tensors.Select(tensor => tensor.Name.EndsWith("layers.1.self_attn.v_proj.lora_A.weight", StringComparison.Ordinal) ? TensorToWrite.FromSingles(tensor.Name, tensor.Shape, Enumerable.Repeat(float.NaN, 640).ToArray()) : tensor));

        Assert.Contains("layers.1.self_attn.v_proj.lora_A.weight", Fails<CheckpointException>().Message);
    }

    [Fact]
    public void Load_TrainedTower_IsNamed()
    {
        Write();
        TorchFileWriter.Write(_folder.At("adapter", "non_lora_trainables.bin"), [TensorToWrite.FromSingles("base_model.model.model.vision_tower.vision_tower.vision_model.embeddings.class_embedding", [4], new float[4])]);

        Assert.Contains("class_embedding", Fails<CheckpointException>().Message);
    }

    [Fact]
    public void Load_HalfAProjector_IsNamed()
    {
        Write();
        TorchFileWriter.Write(_folder.At("adapter", "non_lora_trainables.bin"), [TensorToWrite.FromSingles("base_model.model.model.mm_projector.0.weight", [160, 128], new float[160 * 128])]);

        Assert.Contains("missing: model.mm_projector.0.bias", Fails<CheckpointException>().Message);
    }

    [Theory]
    [InlineData("mm_vision_select_layer", -1)]
    [InlineData("mm_use_im_start_end", true)]
    [InlineData("mm_projector_type", "linear")]
    [InlineData("image_aspect_ratio", "anyres")]
    public void Load_ConfigThatDoesNotGoTogether_NamesTheKey(string key, object value)
    {
        Write();
        var config = JsonNode.Parse(File.ReadAllBytes(Path.Combine(EmbeddedModel.Find(), "config.json")))!;
        config[key] = JsonValue.Create(value);
        if (key == "image_aspect_ratio")
            config["image_grid_pinpoints"] = new JsonArray(new JsonArray(336, 672));
        File.WriteAllText(_folder.At("adapter", "config.json"), config.ToJsonString());

        Assert.Contains(key, Fails<CheckpointException>().Message);
    }

    [Fact]
    public async Task Load_ConfigWithAnotherSquare_SeesPicturesThatWay()
    {
        Write();
        var config = JsonNode.Parse(File.ReadAllBytes(Path.Combine(EmbeddedModel.Find(), "config.json")))!;
        config["image_aspect_ratio"] = "square";
        File.WriteAllText(_folder.At("adapter", "config.json"), config.ToJsonString());
        using var model = Load(new AdapterSource("mine", _folder.At("adapter")));
        var adapter = model.Checkpoint.Adapters.Find("mine", model.Name);
        var wide = TinyModel.Picture("wide");

        Assert.NotEqual(model.PreparePixels([wide])[0].ContentHash(), model.PreparePixels([wide], adapter)[0].ContentHash());
        Assert.NotEmpty((await model.CompleteAsync(new() { Prompt = model.CreatePrompt("What?", 1), Images = [wide], Adapter = "mine", Options = TinyModel.Greedy }, TestContext.Current.CancellationToken)).OutputIds);
    }

    [Fact]
    public void Load_ProjectorOnALanguageModel_SaysWhatIsNeeded()
    {
        using var language = new TinyLanguageModel(null);
        var error = Assert.Throws<CheckpointException>(() => LlavaModel.Load(language.Folder, options: TinyLanguageModel.Options with { Adapters = [new("mine", TestFiles.Golden("checkpoints", "llava-v1.5-tiny-lora"))] }));

        Assert.Contains("sees no pictures", error.Message);
    }

    [Fact]
    public void Load_NamesThatAreTaken_AreRefused()
    {
        Write();
        var path = _folder.At("adapter");
        foreach (var adapters in new AdapterSource[][] { [new("a", path), new("a", path)], [new("llava-tiny", path)], [new(" ", path)] })
            Assert.Throws<LlavaException>(() => Load(adapters));
        Assert.Throws<CheckpointException>(() => Load(new AdapterSource("a", _folder.At("nowhere"))));
    }

    [Fact]
    public void Load_AdapterWithoutConfig_FindsTheTowerOfItsBase()
    {
        Write();
        using var merged = LlavaModel.Load(_folder.At("adapter"), EmbeddedModel.Find(), options: new() { Device = "cpu", Offline = true, DataType = "float32" });

        Assert.True(merged.SeesImages);
    }

    private void Write() => TestAdapter.Write(_folder.At("adapter"), 5, TestAdapter.Attention);

    private T Fails<T>()
        where T : Exception => Assert.Throws<T>(() => Load(new AdapterSource("mine", _folder.At("adapter"))));

    private static LlavaModel Load(params AdapterSource[] adapters) => LlavaModel.Load(options: new() { Device = "cpu", Offline = true, DataType = "float32", Adapters = adapters });

    private void Rewrite(Func<IEnumerable<TensorToWrite>, IEnumerable<TensorToWrite>> change)
    {
        var path = _folder.At("adapter", "adapter_model.safetensors");
        List<TensorToWrite> tensors;
        using (var file = SafetensorsFile.Open(path))
            tensors = [.. file.Tensors.Values.Select(tensor => TensorToWrite.FromSingles(tensor.Name, tensor.Shape, tensor.ToSingles()))];
        SafetensorsWriter.Write(path, change(tensors));
    }
}
