using System.Text.Json;
using LlavaSharp.Tests;

namespace LlavaSharp.Training.Tests;

public class BatchOrderTests
{
    [Fact]
    public void Permutation_Seeds_AsPyTorch()
    {
        foreach (var golden in Golden().GetProperty("randperm").EnumerateArray())
        {
            var random = new TorchRandom(golden.GetProperty("seed").GetInt64());
            foreach (var draw in golden.GetProperty("draws").EnumerateArray())
                Assert.Equal(draw.GetProperty("randperm").EnumerateArray().Select(v => v.GetInt32()), random.Permutation(draw.GetProperty("n").GetInt32()));
        }
    }

    [Fact]
    public void Indices_PlainRunOfTheOriginal_SameOrderOverEpochs()
    {
        // that run: 24 samples, batches of 4, two epochs, seed 42
        var golden = Golden().GetProperty("trainer_order").EnumerateArray().First(r => r.GetProperty("run").GetString() == "pretrain");
        var order = new BatchOrder(24, 4, 42);
        Assert.Equal(golden.GetProperty("order").EnumerateArray().Select(v => v.GetInt64()), Enumerable.Range(0, 12).SelectMany(i => order.Indices(i)));
    }

    [Fact]
    public void Indices_LastBatchOfAnEpoch_IsSmaller()
    {
        var order = new BatchOrder(10, 4, 1);
        Assert.Equal(3, order.BatchesPerEpoch);
        Assert.Equal([4, 4, 2], Enumerable.Range(0, 3).Select(i => order.Indices(i).Count));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (long)i), Enumerable.Range(3, 3).SelectMany(i => order.Indices(i)).Order());
    }

    [Fact]
    public void Indices_AskedFromTheMiddle_SameAsFromTheStart()
    {
        var whole = new BatchOrder(10, 4, 7);
        var all = Enumerable.Range(0, 12).Select(i => whole.Indices(i)).ToList();
        var later = new BatchOrder(10, 4, 7);
        Assert.Equal(all.Skip(7), Enumerable.Range(7, 5).Select(i => later.Indices(i)));
    }

    [Fact]
    public void Indices_EndlessData_AreTakenAsTheyCome() => Assert.Equal([8, 9, 10, 11], new BatchOrder(null, 4, 0).Indices(2));

    [Theory]
    [InlineData(null)]
    [InlineData(22L)]
    public void Indices_LengthWindow_EverySampleOnceAndLikeLengthsTogether(long? count)
    {
        static int Length(long index) => (int)(index * 37 % 11);
        var order = new BatchOrder(count, 4, 3, 3, Length);
        var batches = Enumerable.Range(0, 6).Select(i => order.Indices(i)).ToList();
        var again = new BatchOrder(count, 4, 3, 3, Length);
        Assert.Equal(batches[4], again.Indices(4));
        Assert.Equal(Enumerable.Range(0, (int)(count ?? 24)).Select(i => (long)i), batches.SelectMany(b => b).Order());
        // in a window of three batches each spans at most a part of the lengths that all of them together do
        var spans = batches.Take(3).Select(b => (b.Min(Length), b.Max(Length))).Order().ToList();
        Assert.True(spans[0].Item2 <= spans[1].Item1 && spans[1].Item2 <= spans[2].Item1);
    }

    private static JsonElement Golden() => JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("training", "sampler.json"))).RootElement;
}
