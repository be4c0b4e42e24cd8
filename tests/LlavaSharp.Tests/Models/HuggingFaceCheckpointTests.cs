using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Parity;
using LlavaSharp.Prompts;
using LlavaSharp.Tests.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Models;

/// <summary>The layouts of Hugging Face's own classes, loaded and asked.</summary>
public sealed class HuggingFaceCheckpointTests : IDisposable
{
    private static readonly LoadOptions s_options = new() { Device = "cpu", DataType = "float32", Offline = true, Threads = 1 };

    private readonly TemporaryFolder _temporary = new();

    private static string First { get; } = TestFiles.Golden("llava-hf", "llava15-llama-tf437");

    private static string Next { get; } = TestFiles.Golden("llava-hf", "llava-next-llama-newlayout");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Parity_SmallCopies_Agree()
    {
        var output = new StringWriter();

        Assert.Equal(0, Program.Run(TestFiles.Golden(), ["llava-hf"], output));
        Assert.EndsWith("10 passed, 0 failed", output.ToString().Trim());
    }

    [Theory]
    [InlineData("\"packed_length\": 56", "\"packed_length\": 57", "packed_length")]
    [InlineData("\"greedy_text\": \"Keum", "\"greedy_text\": \"Keun", "greedy_text")]
    [InlineData("\"pixel_u8_sha256\": \"dcc0", "\"pixel_u8_sha256\": \"dcc1", "pixel_u8_sha256")]
    [InlineData("-0.446904", "-0.446934", "pixel_values_mean_per_tile[3]")]
    [InlineData("\"input_ids_expanded_length\": 70", "\"input_ids_expanded_length\": 71", "input_ids_expanded_length")]
    [InlineData("\"packed_length\": 56", "\"packet_length\": 56", "'packet_length'")]
    public void Parity_ChangedGolden_Fails(string recorded, string changed, string what)
    {
        var folder = _temporary.At("llava-hf", "next");
        CopyGoldens(folder);
        var golden = Path.Combine(folder, "golden.json");
        var text = File.ReadAllText(golden);
        var at = text.IndexOf(recorded, StringComparison.Ordinal);
        File.WriteAllText(golden, text[..at] + changed + text[(at + recorded.Length)..]);
        var output = new StringWriter();

        Assert.Equal(1, Program.Run(_temporary.Path, ["llava-hf"], output));
        Assert.Contains(what, output.ToString().Split('\n').Single(line => line.Contains("FAILED", StringComparison.Ordinal)));
    }

    [Fact]
    public void Parity_FewerCasesOrUnknownTensor_OnlyTheSecondFails()
    {
        var folder = _temporary.At("llava-hf", "next");
        CopyGoldens(folder);
        var golden = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "golden.json")))!.AsObject();
        golden["cases"]!.AsArray().RemoveAt(3);
        File.WriteAllText(Path.Combine(folder, "golden.json"), golden.ToJsonString());
        Assert.Equal(0, Program.Run(_temporary.Path, ["llava-hf"], new StringWriter()));

        using (var tensors = SafetensorsFile.Open(Path.Combine(Next, "golden.safetensors")))
            SafetensorsWriter.Write(Path.Combine(folder, "golden.safetensors"), [.. tensors.Tensors.Values.Select(t => TensorToWrite.FromStored(t)), TensorToWrite.FromSingles("case1.surprise", [1], new float[1])]);
        var output = new StringWriter();
        Assert.Equal(1, Program.Run(_temporary.Path, ["llava-hf"], output));
        Assert.Contains("no check knows the tensors case1.surprise", output.ToString());
    }

    [Theory]
    [InlineData("model.safetensors", false)]
    [InlineData("model.safetensors", true)]
    [InlineData("pytorch_model.bin", false)]
    public void Load_ClassicNamesInAnyContainer_GivesTheSameLogits(string container, bool sharded)
    {
        CopyWithoutWeights(Next);
        using (var file = TensorFile.Open(Path.Combine(Next, "model.safetensors")))
        {
            var tensors = file.Tensors.Values.Select(tensor => TensorToWrite.FromStored(tensor, Classic(tensor.Name))).ToList();
            if (sharded)
                Assert.True(SafetensorsWriter.WriteSharded(_temporary.Path, tensors, maxShardBytes: 200_000).Count > 1);
            else if (container.EndsWith(".bin", StringComparison.Ordinal))
                TorchFileWriter.Write(_temporary.At(container), tensors);
            else
                SafetensorsWriter.Write(_temporary.At(container), tensors);
        }
        using var tensorsOfGolden = SafetensorsFile.Open(Path.Combine(Next, "golden.safetensors"));
        using var model = LlavaModel.Load(_temporary.Path, options: s_options);

        var comparison = new Comparison();
        comparison.Close("last_logits", tensorsOfGolden.Tensors["case0.last_logits"].ToSingles(), LastLogits(model, Case(Next, 0)), 1e-3);
        Assert.Null(comparison.Failure);
    }

    [Fact]
    public async Task Complete_GoldenPrompt_GivesTheGoldenIds()
    {
        var golden = Case(First, 2);
        using var model = await LlavaModel.LoadAsync(First, s_options, TestContext.Current.CancellationToken);

        var result = await model.CompleteAsync(
            new() { Prompt = golden.GetProperty("prompt").GetString()!, Images = Pictures(golden), Options = new() { Temperature = 0, MaxNewTokens = 4 } }, TestContext.Current.CancellationToken);

        Assert.Equal(Integers(golden, "greedy_ids_ignoring_eos")[..4], result.OutputIds);
        Assert.Equal(2, result.InputIds.Count(id => id == LlavaConstants.ImageTokenIndex));
        Assert.DoesNotContain(1024, result.InputIds);
        Assert.Equal(golden.GetProperty("input_ids_expanded_length").GetInt32(), result.PromptTokens);
    }

    [Fact]
    public void EncodePrompt_SentencePieceModelAlone_GivesItsIds()
    {
        _temporary.CopyFrom(First);
        File.Delete(_temporary.At("tokenizer.json"));
        // without the list in tokenizer_config.json the older files count
        Edit("tokenizer_config.json", json => json.Remove("added_tokens_decoder"));
        using var model = LlavaModel.Load(_temporary.Path, options: s_options);
        var golden = Case(First, 0);

        Assert.Equal(
            Integers(golden, "input_ids_one_per_image_slow_tokenizer").Select(id => id == 1024 ? LlavaConstants.ImageTokenIndex : id),
            model.EncodePrompt(golden.GetProperty("prompt").GetString()!, 1));
        // ids behind the vocabulary, which the padded embedding can bring forth, have no text
        Assert.Equal("hello", TextStream.Decode(model.Tokenizer, [836, 1030, 1087]));
        var shown = "";
        var stream = new TextStream(model.Tokenizer, [], piece => shown += piece);
        foreach (var id in (int[])[836, 1087, 836])
            Assert.True(stream.Put(id));
        stream.End();
        Assert.Equal("hello hello", shown);
    }

    [Fact]
    public void Load_TokenizerOfAnotherModel_IsRefused()
    {
        _temporary.CopyFrom(First);
        Edit("config.json", json => json["image_token_index"] = 1023);
        Assert.Contains("<image> is 1024", Refused());

        Edit("config.json", json =>
        {
            json["image_token_index"] = 1024;
            json["text_config"]!["vocab_size"] = 1025;
        });
        Assert.Contains("1026 tokens", Refused());
    }

    [Fact]
    public void Load_ProcessorOfAnotherTower_IsRefused()
    {
        _temporary.CopyFrom(First);
        Edit("preprocessor_config.json", json => json["crop_size"] = new JsonObject { ["height"] = 56, ["width"] = 70 });

        Assert.Contains("crops pictures to 70x56", Refused());
    }

    [Fact]
    public void Load_TensorMissing_IsNamed()
    {
        CopyWithoutWeights(First);
        using (var file = TensorFile.Open(Path.Combine(First, "model.safetensors")))
            SafetensorsWriter.Write(_temporary.At("model.safetensors"), file.Tensors.Values.Where(t => t.Name != "vision_tower.vision_model.embeddings.class_embedding").Select(t => TensorToWrite.FromStored(t)));

        Assert.Contains("missing: model.vision_tower.vision_tower.vision_model.embeddings.class_embedding [32]", Refused());
    }

    [Fact]
    public void PreparePixels_ProcessorThatPads_PadsToASquare()
    {
        _temporary.CopyFrom(First);
        using var plain = LlavaModel.Load(_temporary.Path, options: s_options);
        // do_pad means something else in the older processor
        Edit("preprocessor_config.json", json => json["do_pad"] = true);
        using var same = LlavaModel.Load(_temporary.Path, options: s_options);
        Edit("preprocessor_config.json", json => json["image_processor_type"] = "LlavaImageProcessorFast");
        using var padded = LlavaModel.Load(_temporary.Path, options: s_options);
        var picture = Pictures(Case(First, 0));

        Assert.Equal((null as string, null as string, "pad"), (plain.Config.ImageAspectRatio, same.Config.ImageAspectRatio, padded.Config.ImageAspectRatio));
        Assert.Equal(plain.PreparePixels(picture)[0].Data, same.PreparePixels(picture)[0].Data);
        Assert.Equal(ImagePreprocessor.Process(picture, plain.ImageProcessor!, "pad")[0].Data, padded.PreparePixels(picture)[0].Data);
    }

    private string Refused() => Assert.Throws<CheckpointException>(() => LlavaModel.Load(_temporary.Path, options: s_options)).Message;

    private void CopyGoldens(string folder)
    {
        Directory.CreateDirectory(folder);
        Directory.CreateDirectory(_temporary.At("llava-hf", "pictures"));
        foreach (var file in Directory.GetFiles(Next))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        foreach (var file in Directory.GetFiles(TestFiles.Golden("llava-hf", "pictures")))
            File.Copy(file, _temporary.At("llava-hf", "pictures", Path.GetFileName(file)));
    }

    private void CopyWithoutWeights(string folder)
    {
        _temporary.CopyFrom(folder);
        File.Delete(_temporary.At("model.safetensors"));
    }

    private void Edit(string name, Action<JsonObject> change)
    {
        var json = JsonNode.Parse(File.ReadAllText(_temporary.At(name)))!.AsObject();
        change(json);
        _temporary.Write(name, json.ToJsonString());
    }

    // how releases before 4.52 name what the newer layout holds
    private static string Classic(string name) =>
        name == "lm_head.weight" ? "language_model.lm_head.weight"
        : name.StartsWith("model.language_model.", StringComparison.Ordinal) ? "language_model.model." + name["model.language_model.".Length..]
        : name["model.".Length..];

    private static float[] LastLogits(LlavaModel model, JsonElement golden)
    {
        var ids = model.EncodePrompt(golden.GetProperty("prompt").GetString()!, 1);
        return model.OnModelThread(() =>
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            using var merged = model.Merge(ids, model.PreparePixels(Pictures(golden)));
            var language = model.Checkpoint.Network.Language;
            return language.Logits(language.Forward(merged.Embeddings, merged.Positions))[0, -1].data<float>().ToArray();
        });
    }

    private static JsonElement Case(string folder, int index) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden.json"))).RootElement.GetProperty("cases")[index];

    private static Image[] Pictures(JsonElement golden) => [.. golden.GetProperty("pictures").EnumerateArray().Select(name => Image.Load(TestFiles.Golden("llava-hf", name.GetString()!)))];

    private static int[] Integers(JsonElement row, string key) => [.. row.GetProperty(key).EnumerateArray().Select(id => id.GetInt32())];
}
