using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Parity;
using LlavaSharp.Quantization;
using LlavaSharp.Tests.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Chat;

/// <summary>The embedded model as it is and packed in 8 bits, and what it answers when everything is computed from nothing.</summary>
public sealed class EmbeddedModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<string> _packed;

    public EmbeddedModels() => _packed = new(() =>
    {
        CheckpointQuantizer.Quantize(EmbeddedModel.Find(), null, _folder.At("packed"), new() { Bits = 8 });
        return _folder.At("packed");
    });

    public static Image Scene { get; } = Image.Load(Path.Combine(TestFiles.RepositoryRoot, "docs", "images", "scene.png"));

    public static GenerationOptions Greedy { get; } = new() { Temperature = 0, MaxNewTokens = 48 };

    public LlavaModel Load(bool packed, LoadOptions? options = null) =>
        LlavaModel.Load(packed ? _packed.Value : null, options: (options ?? new()) with { Device = "cpu", Offline = true, DataType = "float32", Threads = 1 });

    /// <summary>The ids of a greedy answer without anything that is kept or guessed, and top-1 minus top-2 logit at each.</summary>
    internal static (List<int> Ids, List<double> Margins) FromNothing(LlavaModel model, GenerationRequest request) => model.OnModelThread(() =>
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var merged = model.Merge(model.EncodePrompt(request.Prompt, request.Images.Count), model.PreparePixels(request.Images));
        return GreedyComparison.Generate(model.CreateGenerator(), merged, request.Options.MaxNewTokens);
    });

    /// <summary>Checks that an answer is what comes from nothing, up to the first step that a rounding may decide.</summary>
    internal static void AssertSame(LlavaModel model, GenerationRequest request, GenerationResult result)
    {
        var (ids, margins) = FromNothing(model, request);
        var sure = margins.TakeWhile(margin => margin >= 1e-3).Count();
        Assert.NotEqual(0, sure);
        if (sure == ids.Count)
            Assert.Equal(ids, result.OutputIds);
        else
            Assert.Equal(ids.Take(sure), result.OutputIds.Take(sure));
    }

    public void Dispose() => _folder.Dispose();
}
