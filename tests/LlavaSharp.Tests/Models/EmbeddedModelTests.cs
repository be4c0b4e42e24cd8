using LlavaSharp.Generation;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Models;

/// <summary>The model that comes with the source, asked what the README asks.</summary>
public sealed class EmbeddedModelTests
{
    [Fact]
    public async Task EmbeddedModel_ShippedPicture_DescribesEveryObject()
    {
        using var model = await LlavaModel.LoadAsync(options: new LoadOptions { Device = "cpu", Offline = true }, cancellationToken: TestContext.Current.CancellationToken);

        var answer = await AskAsync(model, "What is in the picture?", Image.Load(Path.Combine(TestFiles.RepositoryRoot, "docs", "images", "scene.png")));

        string[] objects = [.. answer.Split(", ").Order(StringComparer.Ordinal)];
        Assert.Equal(
            ["a big green star at the top left", "a small blue triangle at the middle left", "a small orange square at the middle right", "a small purple circle at the bottom left"],
            objects);
    }

    [Fact]
    public async Task EmbeddedModel_QuestionOutsideItsWorld_SaysWhatItCanDo()
    {
        using var model = await LlavaModel.LoadAsync(options: new LoadOptions { Device = "cpu", Offline = true }, cancellationToken: TestContext.Current.CancellationToken);

        var answer = await AskAsync(model, "What is the capital of France?", null);

        Assert.Contains("I can only talk about simple pictures", answer, StringComparison.Ordinal);
    }

    private static async Task<string> AskAsync(LlavaModel model, string question, Image? image)
    {
        var request = new GenerationRequest
        {
            Prompt = model.CreatePrompt(question, image is null ? 0 : 1),
            Images = image is null ? [] : [image],
            Options = new GenerationOptions { Temperature = 0, MaxNewTokens = 128 },
        };
        return (await model.CompleteAsync(request, TestContext.Current.CancellationToken)).Text;
    }
}
