using LlavaSharp.Generation;
using LlavaSharp.Models;
using LlavaSharp.Native;
using LlavaSharp.Quantization;
using LlavaSharp.Tests.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Generation;

/// <summary>The same prompts alone and eight together: what greedy decoding chooses may differ only where two tokens are nearly equal; with packed weights, nowhere.</summary>
public sealed class BatchSizeTests
{
    private const int Sequences = 8;
    private const int Batches = 8;
    private const int Steps = 24;
    private const int PromptTokens = 12;
    private const double NearlyEqual = 1e-3;   // of a logit: what sums in another order may change

    [Theory]
    [InlineData(null)]
    [InlineData(4)]
    [InlineData(8)]
    public void Greedy_EightTogether_DiffersFromAloneOnlyWhereTwoTokensAreNearlyEqual(int? bits)
    {
        using var temporary = new TemporaryFolder();
        var source = TestFiles.Golden("gguf", "text-q8_0.gguf");
        var folder = source;
        if (bits is { } wanted)
            CheckpointQuantizer.Quantize(source, null, folder = temporary.At("packed"), new() { Bits = wanted }, TestContext.Current.CancellationToken);
        using var loaded = CheckpointLoader.Load(folder, null, new LoadOptions { Device = "cpu", DataType = "float32", Offline = true });
        var language = loaded.Network.Language;
        Assert.Equal(bits is not null, language.IsBatchInvariant);
        var random = new Random(11);
        var differences = 0;
        for (var batch = 0; batch < Batches; batch++)
        {
            var prompts = Enumerable.Range(0, Sequences).Select(_ => Enumerable.Range(0, PromptTokens).Select(_ => (long)random.Next(language.VocabularySize)).ToArray()).ToArray();
            var together = Decode(language, prompts);
            for (var i = 0; i < Sequences; i++)
            {
                var alone = Decode(language, [prompts[i]])[0];
                var step = Enumerable.Range(0, Steps).FirstOrDefault(step => alone[step].Token != together[i][step].Token, Steps);
                if (step == Steps)
                    continue;
                differences++;
                Assert.True(alone[step].Margin < NearlyEqual, $"Prompt {i} of batch {batch} differs at step {step}, where the best two logits are {alone[step].Margin} apart.");
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{differences} of {Batches * Sequences} answers differ.");
        if (bits is not null)
            Assert.Equal(0, differences);
    }

    private static (long Token, float Margin)[][] Decode(CausalLanguageModel language, long[][] prompts)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var cache = new KeyValueCache(language.Layers, language.CacheFormat);
        var ids = tensor(prompts.SelectMany(prompt => prompt).ToArray(), [prompts.Length, PromptTokens]);                              // [B, T]
        var chosen = prompts.Select(_ => new (long, float)[Steps]).ToArray();
        for (var step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            var positions = arange(Scalars.Of(cache.Length), Scalars.Of(cache.Length + ids.shape[1]), ScalarType.Int64).unsqueeze(0);  // [1, T]
            var hidden = language.Forward(language.Embed(ids), positions, null, cache);                                                // [B, T, C]
            var (values, indices) = language.Logits(hidden.narrow(1, hidden.shape[1] - 1, 1)).squeeze(1).topk(2);                      // [B, 2]
            for (var row = 0; row < prompts.Length; row++)
                chosen[row][step] = (indices[row, 0].item<long>(), values[row, 0].ToSingle() - values[row, 1].ToSingle());
            ids = indices.narrow(1, 0, 1).contiguous().MoveToOuterDisposeScope();                                                      // [B, 1]
        }
        return chosen;
    }
}
