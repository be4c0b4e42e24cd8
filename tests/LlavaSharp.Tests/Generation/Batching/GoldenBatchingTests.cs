using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Tests.Chat;
using LlavaSharp.Tests.Checkpoints;

namespace LlavaSharp.Tests.Generation.Batching;

/// <summary>The original's recorded answers of MPT and of an adapter, from the engine that answers many at once.</summary>
public sealed class GoldenBatchingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null, "cpu")]
    [InlineData(KeyValueFormat.Dense, "cpu")]
    [InlineData(KeyValueFormat.Dense, "cpu,cpu")]
    public async Task Mpt_ManyTogether_AnswerAsTheOriginal(KeyValueFormat? format, string device)
    {
        using var model = LlavaModel.Load(Mpt(), options: TinyModel.Options with { Device = device });
        Assert.Equal(ModelFamily.Mpt, model.Config.Family);
        var cases = GoldenCases.Read("llava-mpt-tiny", model);
        foreach (var (request, ids) in cases)
            Assert.Equal(ids, (await model.CompleteAsync(request, Token)).OutputIds);

        // prompts of other lengths beside them, cut into parts, and pages that are taken away
        await using var engine = new BatchingEngine(model, new() { MaxRunning = 5, CacheFormat = format, PagePositions = 8, MinChunk = 4, MaxChunk = 12, CacheBytes = 200_000 });
        var others = Enumerable.Range(1, 6).Select(i => BatchingEngineTests.CompleteAsync(engine, new() { Prompt = string.Concat(Enumerable.Repeat("picture ", 3 * i)), Options = TinyModel.Greedy })).ToArray();
        var answers = await Task.WhenAll(Enumerable.Repeat(cases, 3).SelectMany(all => all).Select(item => BatchingEngineTests.CompleteAsync(engine, item.Request)));
        await Task.WhenAll(others);

        Assert.Equal(Enumerable.Repeat(cases, 3).SelectMany(all => all).Select(item => item.Ids), answers.Select(answer => answer.OutputIds.ToArray()));
    }

    [Fact]
    public async Task Mpt_WithAdapter_AnswersAsMerged()
    {
        var folder = Mpt();
        var adapter = new AdapterSource("mine", WriteMptAdapter(folder));
        using var model = LlavaModel.Load(folder, options: TinyModel.Options with { Adapters = [adapter] });
        using var merged = LlavaModel.Load(adapter.Path, folder, options: TinyModel.Options);
        await using var engine = new BatchingEngine(model);
        foreach (var (request, ids) in GoldenCases.Read("llava-mpt-tiny", model))
        {
            var (plain, adapted) = (BatchingEngineTests.CompleteAsync(engine, request), BatchingEngineTests.CompleteAsync(engine, request with { Adapter = "mine" }));
            Assert.Equal(ids, (await plain).OutputIds);
            Assert.NotEqual(ids, (await adapted).OutputIds);
            Assert.Equal((await merged.CompleteAsync(request, Token)).OutputIds, (await adapted).OutputIds);
        }
    }

    [Fact]
    public async Task OriginalsAdapter_ByRequestOnItsBase_AnswersAsTheOriginalMergedIt()
    {
        _folder.CopyFrom(TestFiles.Golden("checkpoints", "vicuna-tiny"));
        _folder.CopyFrom(TestFiles.Golden("tokenizer"));
        // the base sees by a projector of its own
        using var model = LlavaModel.Load(
            TestFiles.Golden("checkpoints", "llava-tiny-pretrain"), _folder.Path, options: TinyModel.Options with { Adapters = [new("lora", TestFiles.Golden("checkpoints", "llava-v1.5-tiny-lora"))] });
        await using var engine = new BatchingEngine(model, new() { PagePositions = 8 });
        var cases = GoldenCases.Read("llava-v1.5-tiny-lora", model);
        var asked = cases.Select(item => BatchingEngineTests.CompleteAsync(engine, item.Request with { Adapter = "lora" })).ToArray();
        var plain = cases.Select(item => BatchingEngineTests.CompleteAsync(engine, item.Request)).ToArray();

        Assert.Equal(cases.Select(item => item.Ids), (await Task.WhenAll(asked)).Select(answer => answer.OutputIds.ToArray()));
        foreach (var ((_, ids), answer) in cases.Zip(await Task.WhenAll(plain)))
            Assert.NotEqual(ids, answer.OutputIds);
    }

    private string Mpt()
    {
        var folder = _folder.At("llava-mpt-tiny");
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.GetFiles(TestFiles.Golden("checkpoints", "llava-mpt-tiny")).Concat(Directory.GetFiles(TestFiles.Golden("tokenizers", "llama-fast"))))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var tower = _folder.At("clip-vit-tiny-patch14-56");
        Directory.CreateDirectory(tower);
        foreach (var file in Directory.GetFiles(TestFiles.Golden("checkpoints", "clip-vit-tiny-patch14-56")))
            File.Copy(file, Path.Combine(tower, Path.GetFileName(file)));
        return folder;
    }

    private string WriteMptAdapter(string basis)
    {
        var folder = _folder.At("adapter");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), "{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":8,\"bias\":\"none\"}");
        var random = new Random(2);
        using var model = CheckpointFolder.Open(basis);
        SafetensorsWriter.Write(Path.Combine(folder, "adapter_model.safetensors"), model.Tensors.Values
            .Where(tensor => tensor.Name.EndsWith("Wqkv.weight", StringComparison.Ordinal) || tensor.Name.EndsWith("down_proj.weight", StringComparison.Ordinal))
            .SelectMany(tensor => new[] { ("A", new long[] { 4, tensor.Shape[1] }), ("B", [tensor.Shape[0], 4]) }.Select(matrix =>
                TensorToWrite.FromSingles($"base_model.model.{tensor.Name[..^7]}.lora_{matrix.Item1}.weight", matrix.Item2, Enumerable.Range(0, (int)(matrix.Item2[0] * matrix.Item2[1])).Select(_ => (float)(0.3 * (random.NextDouble() - 0.5))).ToArray())))
            .ToList());
        return folder;
    }
}
