using LlavaSharp.Native;

namespace LlavaSharp.Tests.Chat;

/// <summary>Alone, since the count of tensors is the whole process's.</summary>
[CollectionDefinition(nameof(LeakTests), DisableParallelization = true)]
public sealed class LeakCollection;

[Collection(nameof(LeakTests))]
public sealed class LeakTests
{
    [Fact]
    public async Task Ask_HundredQuestions_LeaveNoTensorAndNoMemory()
    {
        var picture = TinyModel.Picture("wide");
        var options = TinyModel.Greedy with { MaxNewTokens = 4 };
        using var model = LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options);
        var count = TensorCount.Start();

        await AskAsync(10);
        var (tensorsAfterTen, memoryAfterTen) = (count.Living, ResidentBytes());
        await AskAsync(90);
        var (tensorsAfterHundred, memoryAfterHundred) = (count.Living, ResidentBytes());

        Assert.Equal(tensorsAfterTen, tensorsAfterHundred);
        Assert.InRange(memoryAfterHundred - memoryAfterTen, long.MinValue, 32L << 20);

        async Task AskAsync(int questions)
        {
            for (var i = 0; i < questions; i++)
                await foreach (var _ in model.ChatAsync("What is in the picture?", picture, options, TestContext.Current.CancellationToken))
                {
                }
        }
    }

    [Fact]
    public void Load_AndDispose_LeavesNoTensor()
    {
        var count = TensorCount.Start();

        LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options).Dispose();

        Assert.Equal(0, count.Living);
    }

    [Fact]
    public async Task Ask_TwoPictures_LeavesOneSequenceAndTheFeaturesThatFit()
    {
        var count = TensorCount.Start();
        var features = 0L;
        using (var model = LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options))
        {
            features = 4L * model.Config.HiddenSize * model.Checkpoint.Network.Tower!.FeaturesPerImage;
            var weights = count.Living;
            await AskAsync(model, "wide");
            await AskAsync(model, "tall");

            // keys and values of each layer, and the features of two pictures
            Assert.Equal(weights + 2 * model.Config.NumHiddenLayers + 2, count.Living);
        }
        Assert.Equal(0, count.Living);

        using (var model = LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options with { PrefixReuse = false, ImageCacheBytes = 2 * features - 1 }))
        {
            var weights = count.Living;
            await AskAsync(model, "wide");
            await AskAsync(model, "tall");

            Assert.Equal(weights + 1, count.Living);
        }
        Assert.Equal(0, count.Living);

        static async Task AskAsync(LlavaModel model, string picture)
        {
            await foreach (var _ in model.ChatAsync("What?", TinyModel.Picture(picture), TinyModel.Greedy with { MaxNewTokens = 3 }, TestContext.Current.CancellationToken))
            {
            }
        }
    }

    [Fact]
    public unsafe void TensorOverMemory_ThousandsOfTensors_LeaveNoTensor()
    {
        Span<float> values = [1, 2];
        var count = TensorCount.Start();
        fixed (float* first = values)
        {
            using var alive = TorchAbi.TensorOverMemory((nint)first, [2], TorchSharp.torch.ScalarType.Float32);
            for (var i = 0; i < 10_000; i++)
                TorchAbi.TensorOverMemory((nint)first, [2], TorchSharp.torch.ScalarType.Float32).Dispose();
            Assert.Equal(1, count.Living);
        }
        Assert.Equal(0, count.Living);
    }

    private static long ResidentBytes()
    {
        // "aggressive" gives pages back that the collector would keep for later, as many as the processor's cache is large
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
