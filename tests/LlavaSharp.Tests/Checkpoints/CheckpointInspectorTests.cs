using System.Diagnostics;
using System.Text;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Checkpoints;

public class CheckpointInspectorTests
{
    [Theory]
    [InlineData("llava-v1.5-tiny", CheckpointKind.Full)]
    [InlineData("llava-v1.6-vicuna-tiny", CheckpointKind.Full)]
    [InlineData("llava-mpt-tiny", CheckpointKind.Full)]
    [InlineData("llava-tiny-delta-v0", CheckpointKind.Full)]
    [InlineData("llava-v1.5-tiny-lora", CheckpointKind.LoraAdapter)]
    [InlineData("llava-tiny-pretrain", CheckpointKind.ProjectorOnly)]
    [InlineData("vicuna-tiny", CheckpointKind.LanguageModelOnly)]
    [InlineData("clip-vit-tiny-patch14-56", CheckpointKind.VisionTower)]
    public void Inspect_Golden_TellsKindAndIsSound(string name, CheckpointKind kind)
    {
        var report = CheckpointInspector.Inspect(TestFiles.Golden("checkpoints", name), inferTemplate: (model, _) => "template of " + model);

        Assert.Equal(kind, report.Kind);
        Assert.True(report.IsSound);
        Assert.Equal(kind == CheckpointKind.VisionTower ? null : "template of " + name, report.Template);
        Assert.Equal(report.Parameters.Values.Sum(), report.DataTypes.Values.Sum());
    }

    [Fact]
    public void Inspect_Gguf_TellsSizesTypesAndTokenizer()
    {
        var path = TestFiles.Golden("gguf", "text-q8_0.gguf");
        var report = CheckpointInspector.Inspect(path, inferTemplate: (model, _) => "template of " + model);

        Assert.Equal((CheckpointKind.LanguageModelOnly, ModelFamily.Llama, "template of text-q8_0.gguf", false), (report.Kind, report.Family, report.Template, report.HasChatTemplate));
        Assert.True(report.IsSound);
        Assert.Equal(new FileInfo(path).Length, report.BytesOnDisk);
        var gguf = report.Gguf!;
        Assert.Equal(("llama", true, "llama", "default"), (gguf.Architecture, gguf.CanBeLoaded, gguf.Tokenizer, gguf.PreTokenizer));
        Assert.Equal(gguf.Dimensions["vocab_size"], gguf.Tokens!.Value);
        Assert.Equal(report.Parameters.Values.Sum(), gguf.TensorTypes.Sum(type => type.Parameters));
        Assert.Contains(gguf.TensorTypes, type => type.Type == "Q8_0" && type.Bytes == type.Parameters / 32 * 34);
        Assert.Equal(CheckpointKind.LanguageModelOnly, CheckpointKindDetector.Detect(path));
    }

    [Fact]
    public void Inspect_GgufOfAnotherKind_SaysThatItCannotBeLoaded()
    {
        using var temporary = new TemporaryFolder();
        var path = Path.Combine(temporary.Path, "other.gguf");
        // the architecture's name is as long as the one it replaces
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(File.ReadAllBytes(TestFiles.Golden("gguf", "text-q8_0.gguf"))).Replace("llama.", "qwen2.").Replace("\u0005\0\0\0\0\0\0\0llama", "\u0005\0\0\0\0\0\0\0qwen2")));

        var report = CheckpointInspector.Inspect(path);

        Assert.Equal(("qwen2", false, 64L), (report.Gguf!.Architecture, report.Gguf.CanBeLoaded, report.Gguf.Dimensions["embedding_length"]));
        Assert.True(report.Parameters[ModelPart.LanguageModel] > 0);
        Assert.Empty(report.EstimatedMemory);
    }

    [Fact]
    public void Inspect_AskedForDelta_SaysDelta() =>
        Assert.Equal(CheckpointKind.Delta, CheckpointInspector.Inspect(TestFiles.Golden("checkpoints", "llava-tiny-delta-v0"), isDelta: true).Kind);

    [Fact]
    public void Inspect_TowerInside_CountsPartsAndSaysWhichTowerCounts()
    {
        var report = CheckpointInspector.Inspect(TestFiles.Golden("checkpoints", "llava-v1.6-vicuna-tiny"));

        Assert.Equal(("v1.6", ModelFamily.Llama, true, true, 0L), (report.Version, report.Family, report.HasTowerInside, report.UsesTowerInside, report.OutsideTowerParameters));
        Assert.Equal(64, report.Parameters[ModelPart.ImageNewline]);
        Assert.Equal(32 * 64 + 64 + 64 * 64 + 64, report.Parameters[ModelPart.Projector]);
        Assert.Equal([StoredDataType.BFloat16], report.DataTypes.Keys);
        Assert.Equal(2 * report.Parameters.Values.Sum(), report.EstimatedMemory["bfloat16"]);
    }

    [Fact]
    public void Inspect_TowerOutside_IsCountedApart()
    {
        var report = CheckpointInspector.Inspect(TestFiles.Golden("checkpoints", "llava-v1.5-tiny"));

        Assert.Equal(("v1.5", false, false), (report.Version, report.HasTowerInside, report.UsesTowerInside));
        Assert.EndsWith("clip-vit-tiny-patch14-56", report.VisionTowerFolder);
        using var tower = CheckpointFolder.Open(report.VisionTowerFolder!);
        Assert.Equal(tower.Tensors.Values.Sum(tensor => tensor.ElementCount), report.OutsideTowerParameters);
        Assert.False(report.Parameters.ContainsKey(ModelPart.VisionTower));
    }

    [Fact]
    public void Inspect_WrongTensors_ListsThem()
    {
        using var temporary = new TemporaryFolder();
        using (var source = CheckpointFolder.Open(TestFiles.Golden("checkpoints", "llava-v1.5-tiny")))
        {
            File.Copy(source.ConfigPath, temporary.At("config.json"));
            var tensors = source.Tensors.Values.Where(t => t.Name != "model.norm.weight").Select(t => TensorToWrite.FromStored(t, t.Name == "lm_head.weight" ? "lm_tail.weight" : null)).ToList();
            tensors.Add(TensorToWrite.FromSingles("model.norm.weight", [65], new float[65]));
            SafetensorsWriter.WriteSharded(temporary.Path, tensors);
        }
        var report = CheckpointInspector.Inspect(temporary.Path);

        Assert.False(report.IsSound);
        Assert.Equal("lm_head.weight", Assert.Single(report.Missing).Name);
        Assert.Equal("lm_tail.weight", Assert.Single(report.Unexpected).Name);
        var wrong = Assert.Single(report.MisShaped);
        Assert.Equal([64], wrong.Expected.Shape);
        Assert.Equal([65], wrong.Found.Shape);
    }

    [Theory]
    [InlineData(4096, 11008, 32, 32, 32, 32000, 6_738_415_616)]
    [InlineData(7168, 20480, 60, 56, 8, 64000, 34_388_917_248)]
    public void Inspect_SparseFilesOfFullSize_ReadsHeadersOnly(int hidden, int inner, int layers, int heads, int groups, int vocabulary, long parameters)
    {
        using var temporary = new TemporaryFolder();
        var json = $$"""{"model_type": "llava_llama", "hidden_size": {{hidden}}, "intermediate_size": {{inner}}, "num_hidden_layers": {{layers}}, "num_attention_heads": {{heads}}, "num_key_value_heads": {{groups}}, "vocab_size": {{vocabulary}} }""";
        temporary.Write("config.json", json);
        WriteSparse(temporary.At("model.safetensors"), ExpectedTensors.For(LlavaConfig.Parse(Encoding.UTF8.GetBytes(json))));

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        var report = CheckpointInspector.Inspect(temporary.Path);

        Assert.True(report.IsSound);
        Assert.Equal(parameters, report.Parameters[ModelPart.LanguageModel]);
        Assert.Equal(2 * parameters, report.EstimatedMemory["float16"]);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - allocated < 16 << 20);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), "reading that much data would take far longer");
    }

    private static void WriteSparse(string path, IReadOnlyList<ExpectedTensor> tensors)
    {
        var header = new StringBuilder("{");
        long offset = 0;
        foreach (var tensor in tensors)
        {
            var end = offset + 2 * tensor.Shape.Aggregate(1L, (a, b) => a * b);
            header.Append(header.Length > 1 ? "," : "").Append($$"""{{(char)34}}{{tensor.Name}}":{"dtype":"F16","shape":[{{string.Join(',', tensor.Shape)}}],"data_offsets":[{{offset}},{{end}}]}""");
            offset = end;
        }
        header.Append('}');
        using var stream = File.Create(path);
        stream.Write(SafetensorsFileTests.Bytes(header.ToString(), []));
        stream.SetLength(stream.Length + offset);
    }
}
