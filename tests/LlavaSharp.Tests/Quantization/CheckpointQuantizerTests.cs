using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Kernels;
using LlavaSharp.Quantization;
using LlavaSharp.Tests.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Quantization;

public class CheckpointQuantizerTests
{
    private static string Picture => Path.Combine(TestFiles.RepositoryRoot, "docs", "images", "scene.png");

    [Theory]
    [InlineData(4, 8)]
    [InlineData(8, 8)]
    [InlineData(8, null)]
    public async Task Quantize_EmbeddedModel_DescribesThePictureAsBefore(int bits, int? towerBits)
    {
        using var temporary = new TemporaryFolder();
        var folder = temporary.At("packed");
        Pack(EmbeddedModel.Find(), null, folder, new() { Bits = bits, TowerBits = towerBits });

        Assert.Equal(await Describe(EmbeddedModel.Find(), new()), await Describe(folder, new()));
        Assert.Empty(CheckpointInspector.Inspect(folder).Missing);
        Assert.Empty(CheckpointInspector.Inspect(folder).MisShaped);
        Assert.Equal(CheckpointInspector.Inspect(EmbeddedModel.Find()).Parameters, CheckpointInspector.Inspect(folder).Parameters);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Load_NumbersOfBitsAndBytes_DescribesThePictureAsBefore(bool four, bool eight) =>
        Assert.Equal(await Describe(EmbeddedModel.Find(), new()), await Describe(EmbeddedModel.Find(), new() { LoadIn4Bit = four, LoadIn8Bit = eight, QuantType = "nf4" }));

    [Fact]
    public async Task Load_InLargePages_AnswersAsFromTheFile()
    {
        Assert.SkipWhen(LargePages.Obstacle is not null, LargePages.Obstacle ?? "");
        using var temporary = new TemporaryFolder();
        Pack(EmbeddedModel.Find(), null, temporary.At("packed"));
        Assert.Equal(await Describe(temporary.At("packed"), new()), await Describe(temporary.At("packed"), new() { LargePages = true }));
        var notices = new List<string>();
        await Describe(EmbeddedModel.Find(), new() { LargePages = true, Notice = notices.Add });
        Assert.Contains(notices, notice => notice.Contains("Large pages", StringComparison.Ordinal));
    }

    [Fact]
    public void Quantize_EmbeddedModel_FeaturesStayWithinOnePercent()
    {
        using var temporary = new TemporaryFolder();
        Pack(EmbeddedModel.Find(), null, temporary.At("packed"));
        Assert.InRange(Distance(Features(EmbeddedModel.Find()), Features(temporary.At("packed"))), 1e-5, 0.01);
    }

    [Fact]
    public void Quantize_EightBits_LogitsStayNear()
    {
        using var temporary = new TemporaryFolder();
        var source = TestFiles.Golden("gguf", "text-q4_k_m.gguf");
        Pack(source, null, temporary.At("packed"), new() { Bits = 8 });
        var wanted = Logits(source);
        var found = Logits(temporary.At("packed"));
        Assert.InRange(Distance(wanted, found), 1e-4, 0.02);
    }

    [Fact]
    public void Quantize_TiedEmbeddings_GetAnOutputMatrixOfTheirOwn()
    {
        using var temporary = new TemporaryFolder();
        var source = TestFiles.Golden("gguf", "text-q8_0.gguf");
        Pack(source, null, temporary.At("packed"), new() { Bits = 8 });
        using var folder = CheckpointFolder.Open(temporary.At("packed"));
        Assert.False(folder.Config.TieWordEmbeddings);
        Assert.True(PackedHeader.IsPacked(folder.Get("lm_head.weight")));
        Assert.Equal(StoredDataType.Float16, folder.Get("model.embed_tokens.weight").DataType);
        Assert.InRange(Distance(Logits(source), Logits(temporary.At("packed"))), 1e-4, 0.03);
    }

    [Fact]
    public void Quantize_AdapterOnItsBase_PacksTheMergedWeights()
    {
        using var temporary = new TemporaryFolder();
        using var basis = new TemporaryFolder();
        basis.CopyFrom(TestFiles.Golden("checkpoints", "vicuna-tiny"));
        basis.CopyFrom(TestFiles.Golden("tokenizer"));
        var adapter = TestFiles.Golden("checkpoints", "llava-v1.5-tiny-lora");
        Pack(adapter, basis.Path, temporary.At("packed"), new() { Bits = 8, TowerBits = null });
        var distance = Distance(Logits(adapter, basis.Path), Logits(temporary.At("packed")));
        Assert.InRange(distance, 1e-4, 0.06);
        Assert.True(Distance(Logits(basis.Path), Logits(temporary.At("packed"))) > 3 * distance);
    }

    [Fact]
    public void Quantize_FourBits_GivesDelicateMatricesEight()
    {
        // a narrow model; in the GGUF file several heads of queries share keys and values, in the embedded one each has its own
        using var temporary = new TemporaryFolder();
        Pack(TestFiles.Golden("gguf", "text-q8_0.gguf"), null, temporary.At("grouped"));
        Pack(EmbeddedModel.Find(), null, temporary.At("plain"));
        Assert.Equal(
            ["lm_head", "mlp.down_proj", "self_attn.k_proj", "self_attn.v_proj"], EightBits(temporary.At("grouped", "model.safetensors")));
        Assert.Equal(["lm_head", "mlp.down_proj"], EightBits(temporary.At("plain", "model.safetensors")).Where(name => !name.Contains("projector")));

        static string[] EightBits(string path)
        {
            using var file = SafetensorsFile.Open(path);
            return [.. file.Tensors.Values.Where(PackedHeader.IsPacked).Where(tensor => PackedHeader.Read(tensor).Layout.Bits == WeightBits.Eight)
                .Select(tensor => string.Join('.', tensor.Name.Split('.')[..^1].Where(part => part is not "model" and not "layers" && !char.IsDigit(part[0])))).Distinct().Order()];
        }
    }

    [Fact]
    public void Quantize_PackedMatrices_LieOnLinesOfTheCache()
    {
        using var temporary = new TemporaryFolder();
        Pack(EmbeddedModel.Find(), null, temporary.At("packed"));
        foreach (var file in Directory.EnumerateFiles(temporary.At("packed"), "*.safetensors", SearchOption.AllDirectories))
        {
            using var opened = SafetensorsFile.Open(file);
            foreach (var tensor in opened.Tensors.Values.Where(PackedHeader.IsPacked))
                Assert.Equal(0, Address(tensor) % 64);
        }
    }

    [Fact]
    public void Quantize_FolderThatIsNotEmpty_IsRefusedAndKept()
    {
        using var temporary = new TemporaryFolder();
        temporary.Write("mine.txt", "mine");
        var error = Assert.Throws<LlavaException>(() => Pack(EmbeddedModel.Find(), null, temporary.Path));
        Assert.Contains("not empty", error.Message);
        Assert.Equal(["mine.txt"], Directory.EnumerateFileSystemEntries(temporary.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void Quantize_PackedAlready_IsRefused()
    {
        using var temporary = new TemporaryFolder();
        Pack(TestFiles.Golden("gguf", "text-q8_0.gguf"), null, temporary.At("packed"));
        var error = Assert.Throws<CheckpointException>(() => Pack(temporary.At("packed"), null, temporary.At("again")));
        Assert.Contains("packed already", error.Message);
    }

    [Fact]
    public void Quantize_Cancelled_LeavesNothing()
    {
        using var temporary = new TemporaryFolder();
        Assert.ThrowsAny<OperationCanceledException>(() => CheckpointQuantizer.Quantize(EmbeddedModel.Find(), null, temporary.At("packed"), null, new CancellationToken(true)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary.Path));
    }

    [Fact]
    public async Task Load_PackedMatrixDamaged_IsRefused()
    {
        using var temporary = new TemporaryFolder();
        Pack(TestFiles.Golden("gguf", "text-q8_0.gguf"), null, temporary.At("packed"));
        var path = temporary.At("packed", "model.safetensors");
        long fromEnd;
        using (var file = SafetensorsFile.Open(path))
            fromEnd = file.Tensors.Values.Max(tensor => Address(tensor) + tensor.ByteLength) - Address(file.Tensors["model.layers.1.mlp.up_proj.weight"]);
        var bytes = File.ReadAllBytes(path);
        bytes[^((int)fromEnd - 500)] ^= 1;
        File.WriteAllBytes(path, bytes);
        var error = await Assert.ThrowsAsync<CheckpointException>(() => LlavaModel.LoadAsync(temporary.At("packed"), new(), TestContext.Current.CancellationToken));
        Assert.Contains("model.layers.1.mlp.up_proj.weight", error.Message);
        Assert.Contains("checksum", error.Message);
    }

    private static void Pack(string source, string? basis, string target, QuantizeOptions? options = null) =>
        CheckpointQuantizer.Quantize(source, basis, target, options, TestContext.Current.CancellationToken);

    private static unsafe long Address(StoredTensor tensor) => (long)tensor.Pointer;

    private static async Task<string> Describe(string folder, LoadOptions options)
    {
        using var model = await LlavaModel.LoadAsync(folder, options, TestContext.Current.CancellationToken);
        var request = new GenerationRequest { Prompt = model.CreatePrompt("Describe the picture.", 1), Images = [Image.Load(Picture)], Options = new() { Temperature = 0 } };
        return (await model.CompleteAsync(request, TestContext.Current.CancellationToken)).Text;
    }

    // what the projector makes of the picture
    private static float[] Features(string folder)
    {
        using var model = LlavaModel.Load(folder, options: new() { Device = "cpu", DataType = "float32" });
        return model.OnModelThread(() =>
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            var features = model.Checkpoint.Network.EncodeImages(model.PreparePixels([Image.Load(Picture)]), ScalarType.Float32, CPU);
            return cat([.. features], 0).data<float>().ToArray();                    // [P, C]
        });
    }

    private static float[] Logits(string folder, string? basis = null)
    {
        using var model = LlavaModel.Load(folder, basis, options: new() { DataType = "float32" });
        return model.OnModelThread(() =>
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            var language = model.Checkpoint.Network.Language;
            var ids = tensor([1L, 5, 77, 200, 31, 8, 90, 260], [1, 8]);
            var hidden = language.Forward(language.Embed(ids), arange(8).unsqueeze(0));
            return language.Logits(hidden).to(ScalarType.Float32).contiguous().data<float>().ToArray();
        });
    }

    private static double Distance(float[] wanted, float[] found) =>
        Math.Sqrt(wanted.Zip(found, (a, b) => Math.Pow(a - b, 2)).Sum() / wanted.Sum(a => a * (double)a));
}
