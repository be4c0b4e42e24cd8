using System.Net;
using System.Net.Sockets;
using LlavaSharp.Serving;
using LlavaSharp.Web.Hosting;

namespace LlavaSharp.Web.Tests;

[Collection("port 7860")]   // the demo chapter wants it
public sealed class WebServerTests(PageStage stage) : IClassFixture<PageStage>, IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = stage.Address };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Page_Asked_LoadsNothingFromOtherHosts()
    {
        using var reply = await _http.GetAsync("/", Cancellation);
        Assert.Equal("text/html", reply.Content.Headers.ContentType!.MediaType);
        var policy = Assert.Single(reply.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(reply.Headers.GetValues("X-Content-Type-Options")));
        var html = await reply.Content.ReadAsStringAsync(Cancellation);
        Assert.DoesNotContain("=\"http", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<style", html, StringComparison.Ordinal);
        Assert.DoesNotContain("style=", html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/_page/page.css", "text/css")]
    [InlineData("/_page/page.js", "text/javascript")]
    [InlineData("/_page/document.js", "text/javascript")]
    [InlineData("/_page/icon.svg", "image/svg+xml")]
    [InlineData("/_page/example-1.png", "image/png")]
    [InlineData("/_framework/blazor.web.js", "text/javascript")]
    public async Task File_Asked_ComesOnceAndIsNotSentAgain(string path, string type)
    {
        using var reply = await _http.GetAsync(path, Cancellation);
        Assert.Equal(type, reply.Content.Headers.ContentType!.MediaType);
        using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { reply.Headers.ETag! } } };
        using var second = await _http.SendAsync(again, Cancellation);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
    }

    [Theory]
    [InlineData("zh-CN,zh;q=0.9,en;q=0.8", null, "lang=\"zh\" data-theme=\"auto\"")]
    [InlineData("de,en;q=0.5", null, "lang=\"en\"")]
    [InlineData("en", "llava-language=zh; llava-theme=dark", "lang=\"zh\" data-theme=\"dark\"")]
    [InlineData("tlh;q=x,,", "llava-language=\"><script>; llava-theme=<", "lang=\"en\" data-theme=\"auto\"")]
    public async Task Page_Preferences_AreFollowed(string languages, string? cookies, string expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("Accept-Language", languages);
        if (cookies is not null)
            request.Headers.TryAddWithoutValidation("Cookie", cookies);
        using var reply = await _http.SendAsync(request, Cancellation);
        Assert.Contains(expected, await reply.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Paths_Unknown_AreNotThereAndSayNothing()
    {
        foreach (var path in new[] { "/nothing", "/_page/../page.css", "/_page/%2e%2e/appsettings.json", "/_framework/x", "/_blazor/x/y" })
        {
            using var reply = await _http.GetAsync(path, Cancellation);
            Assert.InRange((int)reply.StatusCode, 400, 499);
            Assert.DoesNotContain(" at ", await reply.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }
        Assert.Equal("{\"status\":\"ready\"}", await _http.GetStringAsync("/health/ready", Cancellation));
    }

    [Fact]
    public async Task Start_Embedded_MayBeShownInOtherPages()
    {
        await using var server = await WebServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, ControllerUrl = stage.ControllerAddress, LogFolder = null, Embed = true }, PageStage.Quiet, Cancellation);
        using var reply = await _http.GetAsync(server.Address, Cancellation);
        Assert.Contains("frame-ancestors *", Assert.Single(reply.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_PortInUse_TakesTheNextOnlyWhereNoneWasNamed()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await Assert.ThrowsAsync<ServingException>(() => WebServer.StartAsync(new() { Host = "127.0.0.1", Port = port, ControllerUrl = stage.ControllerAddress }, PageStage.Quiet, Cancellation));
        await using var first = await WebServer.StartAsync(new() { Host = "127.0.0.1", ControllerUrl = stage.ControllerAddress, LogFolder = null }, PageStage.Quiet, Cancellation);
        await using var second = await WebServer.StartAsync(new() { Host = "127.0.0.1", ControllerUrl = stage.ControllerAddress, LogFolder = null }, PageStage.Quiet, Cancellation);
        Assert.True(second.Address.Port > first.Address.Port && first.Address.Port >= 7860, $"{first.Address} {second.Address}");
    }

    [Fact]
    public async Task Start_OptionsThatMakeNoSense_AreRefused()
    {
        await Assert.ThrowsAsync<ServingException>(() => WebServer.StartAsync(new() { Port = 0, ControllerUrl = "nowhere" }, PageStage.Quiet, Cancellation));
        await Assert.ThrowsAsync<ServingException>(() => WebServer.StartAsync(new() { Port = 0, ConcurrencyCount = 0 }, PageStage.Quiet, Cancellation));
        await Assert.ThrowsAsync<ServingException>(() => WebServer.StartAsync(new() { Port = 0, Moderate = true, ModerationKey = null }, PageStage.Quiet, Cancellation));
    }
}
