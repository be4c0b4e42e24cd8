using System.Net;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Security;
using LlavaSharp.Web.Hosting;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace LlavaSharp.Web.Tests.Browser;

/// <summary>The page of <c>llava serve</c>, over the embedded model.</summary>
public sealed class ServedPageTests(Chromium chromium) : IClassFixture<Chromium>, IAsyncLifetime
{
    private readonly string _keys = Path.Combine(Path.GetTempPath(), $"llava-keys-{Guid.NewGuid():N}");
    private LlavaModel _model = null!;
    private BatchingEngine _engine = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _model = await LlavaModel.LoadAsync(null, new() { Offline = true, Device = "cpu", DataType = "float32" });
        _engine = new(_model);
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _model.Dispose();
        File.Delete(_keys);
    }

    [Fact]
    public async Task Examples_Asked_AreAnsweredTruly()
    {
        await using var server = await StartAsync(new());
        await using var tab = await Tab.OpenAsync(chromium.Browser, server.Address, height: 1000);
        await Expect(tab.Page.Locator("[data-model='0']")).ToHaveValueAsync("llava-tiny");
        await tab.ClickAsync("What is in the picture?");
        await Expect(tab.Page.Locator(".thumbnails img")).ToHaveCountAsync(1);
        await tab.ClickAsync("Send");
        foreach (var thing in new[] { "green star", "orange square", "blue triangle", "purple circle" })
            await Expect(tab.Answers.Last).ToContainTextAsync(thing);
        await tab.AskAsync("What color is the star?");
        await Expect(tab.Answers).ToHaveCountAsync(2);
        await Expect(tab.Answers.Last).ToHaveTextAsync("green");
        await tab.CheckAsync();
        await tab.ShootAsync("page");

        await tab.ClickAsync("Clear");
        await tab.ClickAsync("How many circles are in the picture?");
        await Expect(tab.Page.Locator(".thumbnails img")).ToHaveCountAsync(1);
        await tab.ClickAsync("Send");
        await Expect(tab.Answers.Last).ToHaveTextAsync("two");
    }

    [Fact]
    public async Task Root_OtherClients_AreGreetedAsOllamaDoes()
    {
        await using var server = await StartAsync(new());
        using var http = new HttpClient { BaseAddress = server.Address };
        Assert.Equal("Ollama is running", await http.GetStringAsync("/", Cancellation));
        http.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        Assert.Contains("<title>LLaVA</title>", await http.GetStringAsync("/", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_Wanted_AreAskedForByTheBrowser()
    {
        var key = ApiKeyFile.Read(_keys, mayBeMissing: true).Create("anna");
        await using var server = await StartAsync(new() { ApiKeys = new(_keys) });
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Address) { Headers = { Accept = { new("text/html") } } };
        using var reply = await http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, reply.StatusCode);
        Assert.Equal("Basic", Assert.Single(reply.Headers.WwwAuthenticate).Scheme);

        await using var context = await chromium.Browser.NewContextAsync(new() { HttpCredentials = new() { Username = "anybody", Password = key } });
        var page = await context.NewPageAsync();
        await page.GotoAsync(server.Address.ToString());
        await page.Locator("#text-box").FillAsync("Hello");
        await page.Locator("#text-box").PressAsync("Enter");
        await Expect(page.Locator(".answer").Last).ToHaveAttributeAsync("aria-busy", "false");
        await Expect(page.Locator(".failure")).ToHaveCountAsync(0);
    }

    private Task<LlavaServer> StartAsync(LlavaServerOptions options) => LlavaServer.StartAsync(
        options with { Host = "127.0.0.1", Port = 0, Page = new LlavaPage(new() { LogFolder = null }) }, _engine, "llava-tiny", PageStage.Quiet, Cancellation);
}
