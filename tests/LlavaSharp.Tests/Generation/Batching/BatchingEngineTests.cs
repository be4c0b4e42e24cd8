using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Generation.Batching;

public sealed class BatchingEngineTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, 64)]
    [InlineData(KeyValueFormat.Dense, 8)]
    [InlineData(KeyValueFormat.Integer8, 512)]
    public async Task Generate_ManyAtOnce_AnswersAsAlone(KeyValueFormat? format, int chunk)
    {
        using var model = await LlavaModel.LoadAsync(options: new LoadOptions { Device = "cpu", Offline = true }, cancellationToken: Token);
        var requests = Requests(model);
        var alone = new List<GenerationResult>();
        await using (var engine = new BatchingEngine(model, new() { MaxRunning = 1, PrefixCache = false, CacheFormat = format }))
            foreach (var request in requests)
                alone.Add(await CompleteAsync(engine, request));
        // few pages, so that sequences are preempted, and small parts
        await using var busy = new BatchingEngine(model, new() { MaxRunning = 6, CacheFormat = format, PagePositions = 16, MinChunk = Math.Min(chunk, 16), MaxChunk = chunk, CacheBytes = 4 << 20 });
        var together = await Task.WhenAll(requests.Select(request => CompleteAsync(busy, request)));

        Assert.Equal(alone.Select(result => result.Text), together.Select(result => result.Text));
        Assert.Equal(alone.Select(result => result.FinishReason), together.Select(result => result.FinishReason));
        Assert.Equal(0, busy.Statistics.Running);
        Assert.Equal(0, busy.Statistics.PagesUsed);
    }

    internal static async Task<GenerationResult> CompleteAsync(IGenerationEngine engine, GenerationRequest request)
    {
        GenerationResult? result = null;
        var text = "";
        await foreach (var update in engine.GenerateAsync(request, Token))
        {
            text += update.Text;
            result = update.Result ?? result;
        }
        Assert.Equal(result!.Text, text.Trim());
        return result;
    }

    private static List<GenerationRequest> Requests(LlavaModel model)
    {
        var picture = Image.Load(Path.Combine(TestFiles.RepositoryRoot, "docs", "images", "scene.png"));
        string[] questions = ["What do you see?", "What is the color of the square?", "How many objects are there?", "Describe the picture in detail.", "Is there a circle?", "Hello"];
        return [.. Enumerable.Range(0, 18).Select(i => new GenerationRequest
        {
            Prompt = model.CreatePrompt(questions[i % questions.Length], i % 6 == 5 ? 0 : 1),
            Images = i % 6 == 5 ? [] : [picture],
            Client = $"client {i % 4}",
            Options = new() { MaxNewTokens = 40, Temperature = i % 3 == 2 ? 0.8 : 0, Seed = (ulong)i },
        })];
    }
}
