using LlavaSharp.Generation.Batching;
using LlavaSharp.Native;
using LlavaSharp.Tests.Checkpoints;
using LlavaSharp.Tests.Generation.Batching;

namespace LlavaSharp.Tests.Chat;

[Collection(nameof(LeakTests))]
public sealed class AdapterLeakTests
{
    [Fact]
    public async Task Ask_ByTurnsAndTogether_LeavesNoTensor()
    {
        using var folder = new TemporaryFolder();
        AdapterSource[] sources = [new("one", TestAdapter.Write(folder.At("one"), 1, TestAdapter.All, projector: true)), new("two", TestAdapter.Write(folder.At("two"), 2, TestAdapter.Attention))];
        var count = TensorCount.Start();
        using (var model = LlavaModel.Load(options: new() { Device = "cpu,cpu", Offline = true, DataType = "float32", Adapters = sources, PrefixReuse = false, ImageCacheBytes = 0 }))
        {
            var weights = count.Living;
            await AskAsync(model);
            Assert.Equal(weights, count.Living);
            await using (var engine = new BatchingEngine(model, new() { CacheBytes = 4 << 20 }))
                await Task.WhenAll(Enumerable.Range(0, 6).Select(i => BatchingEngineTests.CompleteAsync(engine, Request(model, i))));
            Assert.Equal(weights, count.Living);
        }
        Assert.Equal(0, count.Living);

        async Task AskAsync(LlavaModel model)
        {
            for (var i = 0; i < 4; i++)
                await model.CompleteAsync(Request(model, i), TestContext.Current.CancellationToken);
        }

        LlavaSharp.Generation.GenerationRequest Request(LlavaModel model, int i) => new()
        {
            Prompt = model.CreatePrompt("What do you see?", 1), Images = [EmbeddedModels.Scene], Adapter = (i % 3) switch { 0 => "one", 1 => "two", _ => null }, Options = EmbeddedModels.Greedy with { MaxNewTokens = 4 },
        };
    }
}
