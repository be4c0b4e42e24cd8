using System.Text.Json;
using LlavaSharp.Checkpoints;
using LlavaSharp.Parity;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Checkpoints;

public sealed class GgufCheckpointTests
{
    private const double LogitTolerance = 1e-3;   // of the goldens' README
    private const double MarginBound = 0.01;

    public static TheoryData<string> Files => [.. Golden.EnumerateObject().Select(file => file.Name).Where(name => File.Exists(TestFiles.Golden("gguf", name)))];

    private static JsonElement Golden => JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("gguf", "golden.json"))).RootElement.GetProperty("files");

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Load_LanguageModel_GivesTheGoldenIdsAndLogits(string name)
    {
        using var model = await LlavaModel.LoadAsync(TestFiles.Golden("gguf", name), new() { DataType = "float32" }, TestContext.Current.CancellationToken);
        using var tensors = SafetensorsFile.Open(TestFiles.Golden("gguf", "golden.safetensors"));
        var comparison = new Comparison();
        var number = 0;
        foreach (var prompt in Golden.GetProperty(name).GetProperty("prompts").EnumerateArray())
        {
            int[] ids = [.. prompt.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            if (prompt.GetProperty("sentencepiece_agrees").ValueKind == JsonValueKind.True)
                comparison.Sequence($"ids of prompt {number}", ids, model.Tokenizer.Encode(prompt.GetProperty("text").GetString()!));
            var key = $"{name}|logits{number++}";
            model.OnModelThread(() =>
            {
                using var noGradient = no_grad();
                using var scope = NewDisposeScope();
                using var merged = model.Merge(ids, []);
                var language = model.Checkpoint.Network.Language;
                var logits = language.Logits(language.Forward(merged.Embeddings, merged.Positions))[0, -1];
                comparison.Close(key, tensors.Tensors[key].ToSingles(), logits.data<float>().ToArray(), LogitTolerance);
                int[] greedy = [.. prompt.GetProperty("greedy_ids").EnumerateArray().Select(id => id.GetInt32())];
                double[] margins = [.. prompt.GetProperty("greedy_margins").EnumerateArray().Select(margin => margin.GetDouble())];
                var (generated, _) = GreedyComparison.Generate(model.CreateGenerator(), merged, greedy.Length);
                GreedyComparison.Check(comparison, greedy, margins, true, generated, MarginBound, () => { });
                return true;
            });
        }
        Assert.Null(comparison.Failure);
        Assert.True(number > 0);
    }

    [Fact]
    public async Task Load_WithBase_IsRefused()
    {
        var options = new LoadOptions { ModelBase = TestFiles.Golden("checkpoints", "vicuna-tiny") };
        var error = await Assert.ThrowsAsync<CheckpointException>(() => LlavaModel.LoadAsync(TestFiles.Golden("gguf", "text-q8_0.gguf"), options, TestContext.Current.CancellationToken));
        Assert.Contains("--model-base", error.Message);
    }

    [Fact]
    public async Task Load_FileWithoutAModel_NamesWhatIsMissing()
    {
        var error = await Assert.ThrowsAsync<CheckpointException>(() => LlavaModel.LoadAsync(TestFiles.Golden("gguf", "types.gguf"), cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("llama.embedding_length", error.Message);
    }
}
