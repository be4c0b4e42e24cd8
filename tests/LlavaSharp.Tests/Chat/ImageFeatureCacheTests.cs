using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Chat;

public sealed class ImageFeatureCacheTests
{
    [Fact]
    public async Task Complete_PicturesSeenBefore_ComputesNewOnesOnlyAndAnswersTheSame()
    {
        using var model = LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options);
        using var forgetful = LlavaModel.Load(TinyModel.Folder, options: TinyModel.Options with { ImageCacheBytes = 0, PrefixReuse = false });
        foreach (var (pictures, saved) in new (string[], int)[] { (["wide"], 0), (["wide"], 1), (["tall", "wide"], 1), (["tall", "tall", "wide"], 3) })
        {
            var found = await AskAsync(model, pictures);
            var wanted = await AskAsync(forgetful, pictures);

            Assert.Equal(saved, found.Saved.Images);
            Assert.Equal(pictures.Length - pictures.Distinct().Count(), wanted.Saved.Images);
            Assert.Equal(wanted.OutputIds, found.OutputIds);
        }
    }

    [Fact]
    public void ContentHash_EverythingThatDecidesTheFeatures_ChangesIt()
    {
        var picture = new PixelValues([1, 2, 3], 1, 1, 1, (4, 5), true);
        PixelValues[] others =
        [
            picture with { Data = [1, 2, 4] }, picture with { Tiles = 2 }, picture with { Height = 2 }, picture with { Width = 2 },
            picture with { OriginalSize = (5, 4) }, picture with { HasTileAxis = false },
        ];

        Assert.Equal(picture.ContentHash(), (picture with { Data = [1, 2, 3] }).ContentHash());
        Assert.Equal(7, others.Append(picture).Select(other => other.ContentHash()).Distinct().Count());
    }

    [Fact]
    public void Encode_MoreThanFits_KeepsTheLatestAndReturnsAll()
    {
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        using var cache = new ImageFeatureCache(2 * 2 * 3 * sizeof(float));
        var pictures = Enumerable.Range(1, 3).Select(i => new PixelValues([i], 1, 1, 1, (1, 1), false)).ToArray();
        UInt128[] hashes = [.. pictures.Select(picture => picture.ContentHash())];
        var computed = new List<float>();

        var (first, savedFirst) = cache.Encode(pictures, hashes, Compute);
        var (second, savedSecond) = cache.Encode([pictures[2], pictures[0]], [hashes[2], hashes[0]], Compute);

        Assert.Equal([0, 1], [savedFirst, savedSecond]);
        Assert.Equal([1, 2, 3, 1], computed);
        Assert.Equal([1, 2, 3, 3, 1], first.Concat(second).Select(features => features.data<float>()[5]));
        Assert.Equal((2, 48L), (cache.Count, cache.Bytes));

        // views into one tensor, as a tower's batch is
        IReadOnlyList<Tensor> Compute(IReadOnlyList<PixelValues> missing)
        {
            computed.AddRange(missing.Select(picture => picture.Data[0]));
            var all = stack(missing.Select(picture => full([2, 3], Scalars.Of(picture.Data[0]))).ToArray());   // [N, 2, 3]
            return [.. Enumerable.Range(0, missing.Count).Select(i => all[i])];
        }
    }

    private static Task<GenerationResult> AskAsync(LlavaModel model, string[] pictures) => model.CompleteAsync(
        new() { Prompt = model.CreatePrompt("What?", pictures.Length), Images = [.. pictures.Select(TinyModel.Picture)], Options = TinyModel.Greedy with { MaxNewTokens = 6 } },
        TestContext.Current.CancellationToken);
}
