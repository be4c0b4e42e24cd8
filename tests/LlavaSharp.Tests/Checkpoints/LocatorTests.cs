using System.Net;
using System.Net.Http.Headers;
using System.Text;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Checkpoints;

public class LocatorTests
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";

    [Fact]
    public void FindLocally_Tower_LooksInTheStatedOrder()
    {
        using var temporary = new TemporaryFolder();
        var options = new HubOptions { CacheFolder = temporary.At("cache"), Offline = true };
        var locator = new VisionTowerLocator(options);
        var checkpoint = temporary.At("models", "llava");
        Directory.CreateDirectory(checkpoint);
        Assert.Null(locator.FindLocally("org/tower", checkpoint));

        temporary.Write("cache/models--org--tower/refs/main", Commit);
        temporary.Write($"cache/models--org--tower/snapshots/{Commit}/config.json", "{}");
        Assert.Null(locator.FindLocally("org/tower", checkpoint)); // no weights yet
        temporary.Write($"cache/models--org--tower/snapshots/{Commit}/pytorch_model.bin", "x");
        Assert.Equal(temporary.At("cache", "models--org--tower", "snapshots", Commit), locator.FindLocally("org/tower", checkpoint));

        temporary.Write("models/llava/tower/config.json", "{}");
        Assert.Equal(temporary.At("models", "llava", "tower"), locator.FindLocally("org/tower", checkpoint));
        temporary.Write("models/llava/org/tower/config.json", "{}");
        Assert.Equal(temporary.At("models", "llava", "org", "tower"), locator.FindLocally("org/tower", checkpoint));
        temporary.Write("models/tower/config.json", "{}");
        Assert.Equal(temporary.At("models", "tower"), locator.FindLocally("org/tower", checkpoint + "/"));
        temporary.Write("models/org/tower/config.json", "{}");
        Assert.Equal(temporary.At("models", "org", "tower"), locator.FindLocally("org/tower", checkpoint));
        temporary.Write("elsewhere/tower/config.json", "{}");
        Assert.Equal(temporary.At("elsewhere", "tower"), locator.FindLocally(temporary.At("elsewhere", "tower"), checkpoint));
        Assert.Equal(temporary.At("models", "tower"), locator.FindLocally("/on/the/machine/that/trained/it/tower", checkpoint));
    }

    [Fact]
    public async Task Locate_TowerNowhere_SaysWhereItLooked()
    {
        using var temporary = new TemporaryFolder();
        var locator = new VisionTowerLocator(new HubOptions { CacheFolder = temporary.At("cache"), Offline = true });

        var message = (await Assert.ThrowsAsync<CheckpointException>(() => locator.LocateAsync("org/tower", temporary.At("llava"), TestContext.Current.CancellationToken))).Message;
        Assert.Contains(temporary.At("org", "tower"), message);
        Assert.Contains(temporary.At("cache"), message);
        Assert.Contains("offline", message);
    }

    [Fact]
    public async Task Resolve_FromHub_FetchesWhatIsNeededOnce()
    {
        using var temporary = new TemporaryFolder();
        using var hub = new StubHub();
        var options = new HubOptions { CacheFolder = temporary.Path, Handler = hub, Endpoint = new("http://hub.test/mirror"), Token = "secret" };

        var folder = await ModelLocator.ResolveAsync("org/tiny", options, TestContext.Current.CancellationToken);

        Assert.Equal(temporary.At("models--org--tiny", "snapshots", Commit), folder);
        Assert.Equal(["config.json", "model-00001-of-00001.safetensors", "model.safetensors.index.json", "tokenizer.model"], Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(StubHub.Weights, File.ReadAllBytes(Path.Combine(folder, "model-00001-of-00001.safetensors")));
        Assert.All(hub.Requests, request => Assert.Equal("Bearer secret", request.Authorization));
        Assert.Equal("http://hub.test/mirror/api/models/org/tiny/revision/main", hub.Requests[0].Uri);

        var asked = hub.Requests.Count;
        Assert.Equal(folder, await ModelLocator.ResolveAsync("org/tiny", options with { Offline = true }, TestContext.Current.CancellationToken));
        Assert.Equal(asked, hub.Requests.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Resolve_ConnectionBreaks_GoesOnWhereItStopped(bool ranges)
    {
        using var temporary = new TemporaryFolder();
        using var hub = new StubHub { BreakAfter = 300, Ranges = ranges };
        var options = new HubOptions { CacheFolder = temporary.Path, Handler = hub, Endpoint = new("http://hub.test") };

        await Assert.ThrowsAsync<CheckpointException>(() => ModelLocator.ResolveAsync("org/tiny", options, TestContext.Current.CancellationToken));
        Assert.Null(ModelLocator.FindLocally("org/tiny", options));
        hub.BreakAfter = null;
        var folder = await ModelLocator.ResolveAsync("org/tiny", options, TestContext.Current.CancellationToken);

        Assert.Equal(StubHub.Weights, File.ReadAllBytes(Path.Combine(folder, "model-00001-of-00001.safetensors")));
        Assert.Equal(300, hub.Requests[^1].From);
        Assert.Empty(Directory.GetFiles(folder, "*.incomplete"));
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound, "Check the name")]
    [InlineData(HttpStatusCode.Unauthorized, "HF_TOKEN")]
    [InlineData(HttpStatusCode.BadGateway, "502")]
    public async Task Resolve_HubRefuses_SaysWhyAndWhatToDo(HttpStatusCode status, string word)
    {
        using var temporary = new TemporaryFolder();
        using var hub = new StubHub { Status = status };
        var options = new HubOptions { CacheFolder = temporary.Path, Handler = hub };

        var message = (await Assert.ThrowsAsync<CheckpointException>(() => ModelLocator.ResolveAsync("org/tiny", options, TestContext.Current.CancellationToken))).Message;
        Assert.Contains(word, message);
        Assert.Contains(temporary.Path, message);
        Assert.Contains("Without network", message);
    }

    [Theory]
    [InlineData("no/such/folder/here")]
    [InlineData("../x")]
    [InlineData("a--b")]
    [InlineData("org/na me")]
    public async Task Resolve_NoFolderAndNoId_IsRefusedWithoutAsking(string name)
    {
        using var temporary = new TemporaryFolder();
        using var hub = new StubHub();

        await Assert.ThrowsAsync<CheckpointException>(() => ModelLocator.ResolveAsync(name, new() { CacheFolder = temporary.Path, Handler = hub }, TestContext.Current.CancellationToken));
        Assert.Empty(hub.Requests);
    }

    [Fact]
    public void Choose_HostileAndUselessNames_AreLeftOut() =>
        Assert.Equal(["added_tokens.json", "config.json", "adapter_model.bin", "non_lora_trainables.bin", "pytorch_model.bin"],
            HubDownloader.Choose(["../evil.json", "a/b.json", ".hidden.json", "config.json", "run.py", "tf_model.h5", "pytorch_model.bin", "adapter_model.bin", "training_args.bin", "non_lora_trainables.bin", "added_tokens.json", "c:x.json"]));

    [Fact]
    public void Environment_Variables_SetTheHub()
    {
        Dictionary<string, string> values = new() { ["HF_HOME"] = "/h", ["HF_ENDPOINT"] = "https://mirror.test/", ["HF_HUB_OFFLINE"] = "1" };
        var options = HubOptions.FromEnvironment(values.GetValueOrDefault);

        Assert.Equal((Path.Combine("/h", "hub"), new Uri("https://mirror.test"), true), (options.CacheFolder, options.Endpoint, options.Offline));
        values["HF_HUB_CACHE"] = "/c";
        Assert.Equal("/c", HubOptions.FromEnvironment(values.GetValueOrDefault).CacheFolder);
        values["HF_ENDPOINT"] = "ftp://x";
        Assert.Throws<CheckpointException>(() => HubOptions.FromEnvironment(values.GetValueOrDefault));
    }

    private sealed class StubHub : HttpMessageHandler
    {
        public static readonly byte[] Weights = [.. Enumerable.Range(0, 1000).Select(i => (byte)(i * 7))];

        public List<(string Uri, long? From, string? Authorization)> Requests { get; } = [];

        public int? BreakAfter { get; set; }

        public bool Ranges { get; init; } = true;

        public HttpStatusCode Status { get; init; } = HttpStatusCode.OK;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var uri = request.RequestUri!.AbsoluteUri;
            var from = request.Headers.Range?.Ranges.Single().From;
            Requests.Add((uri, from, request.Headers.Authorization?.ToString()));
            if (Status != HttpStatusCode.OK)
                return Task.FromResult(new HttpResponseMessage(Status));
            var bytes = uri.Contains("/api/", StringComparison.Ordinal)
                ? Encoding.UTF8.GetBytes($$"""{"sha": "{{Commit}}", "siblings": [{"rfilename": "config.json"}, {"rfilename": "model-00001-of-00001.safetensors"}, {"rfilename": "model.safetensors.index.json"}, {"rfilename": "pytorch_model.bin"}, {"rfilename": "tokenizer.model"}, {"rfilename": "README.md"}]}""")
                : Path.GetFileName(uri) switch
                {
                    "config.json" => "{}"u8.ToArray(),
                    "model.safetensors.index.json" => """{"weight_map": {"a": "model-00001-of-00001.safetensors"}}"""u8.ToArray(),
                    "tokenizer.model" => "t"u8.ToArray(),
                    "model-00001-of-00001.safetensors" => Weights,
                    var other => throw new InvalidOperationException(other + " was not wanted"),
                };
            var start = Ranges ? (int)(from ?? 0) : 0;
            var response = new HttpResponseMessage(start > 0 ? HttpStatusCode.PartialContent : HttpStatusCode.OK);
            var cut = BreakAfter is { } limit && bytes == Weights ? Math.Min(limit, bytes.Length) : bytes.Length;
            response.Content = new StreamContent(new MemoryStream(bytes, start, cut - start));
            response.Content.Headers.ContentLength = bytes.Length - start;
            if (start > 0)
                response.Content.Headers.ContentRange = new ContentRangeHeaderValue(start, bytes.Length - 1, bytes.Length);
            return Task.FromResult(response);
        }
    }
}
