using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace LlavaSharp.Serving.Tests.Security;

public sealed class AccessGateTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"llava-keys-{Guid.NewGuid():N}");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Create_Key_IsNotInTheFile()
    {
        var key = ApiKeyFile.Read(_path, mayBeMissing: true).Create("anna");
        Assert.DoesNotContain(key, File.ReadAllText(_path), StringComparison.Ordinal);
        Assert.Equal(["anna"], ApiKeyFile.Read(_path).Names);
        Assert.Equal("anna", new ApiKeys(_path).NameOf(key));
        Assert.Null(new ApiKeys(_path).NameOf(key + "x"));
        Assert.Throws<ServingException>(() => ApiKeyFile.Read(_path).Create("anna"));
        Assert.Throws<ServingException>(() => ApiKeyFile.Read(_path).Create("two words"));
    }

    [Fact]
    public void Read_Malformed_NamesTheLine()
    {
        File.WriteAllText(_path, "# keys\nanna 12\n");
        Assert.Contains("Line 2", Assert.Throws<ServingException>(() => ApiKeyFile.Read(_path)).Message, StringComparison.Ordinal);
        File.WriteAllText(_path, "\n");
        Assert.Throws<ServingException>(() => new ApiKeys(_path));
        Assert.Throws<ServingException>(() => ApiKeyFile.Read(_path + ".missing"));
    }

    [Fact]
    public void NameOf_FileChanges_IsNoticedAndABrokenFileChangesNothing()
    {
        var clock = new FakeTimeProvider();
        var first = ApiKeyFile.Read(_path, mayBeMissing: true).Create("anna");
        var warnings = new List<string>();
        var keys = new ApiKeys(_path, clock, warnings.Add);
        var second = ApiKeyFile.Read(_path).Create("bert");
        ApiKeyFile.Read(_path).Revoke("anna");
        File.SetLastWriteTimeUtc(_path, DateTime.UtcNow.AddSeconds(5));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(("bert", null), (keys.NameOf(second), keys.NameOf(first)));
        File.WriteAllText(_path, "nonsense");
        File.SetLastWriteTimeUtc(_path, DateTime.UtcNow.AddSeconds(10));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("bert", keys.NameOf(second));
        Assert.Single(warnings);
    }

    [Fact]
    public async Task Request_WithoutKey_IsRefusedInTheFormOfItsInterface()
    {
        var key = ApiKeyFile.Read(_path, mayBeMissing: true).Create("anna");
        await using var host = await StartAsync(new(new(_path), null, false, false, NullLog()));
        using var http = new HttpClient { BaseAddress = host.Address };
        var openAi = await GetAsync(http, "/v1/models");
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_api_key"), (openAi.Status, openAi.Json["error"]!["code"]!.GetValue<string>()));
        var ollama = await GetAsync(http, "/api/tags");
        Assert.Equal(HttpStatusCode.Unauthorized, ollama.Status);
        Assert.IsAssignableFrom<JsonValue>(ollama.Json["error"]);
        var own = await GetAsync(http, "/list_models");
        Assert.Equal((HttpStatusCode.Unauthorized, 401, "application/problem+json"), (own.Status, own.Json["status"]!.GetValue<int>(), own.Type));
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(http, "/register_worker")).Status);
        Assert.Equal("\"\"", (await GetAsync(http, "/health/live")).Json.ToJsonString());
        http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        Assert.Equal("\"anna\"", (await GetAsync(http, "/v1/models")).Json.ToJsonString());
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key[..^1]);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(http, "/v1/models")).Status);
    }

    [Fact]
    public async Task Request_MoreThanTheLimit_IsToldWhenToComeAgain()
    {
        await using var host = await StartAsync(new(null, 3, false, false, NullLog()));
        using var http = new HttpClient { BaseAddress = host.Address };
        for (var i = 0; i < 3; i++)
            Assert.Equal(HttpStatusCode.OK, (await GetAsync(http, "/v1/models")).Status);
        using var reply = await http.GetAsync("/v1/models", Cancellation);
        Assert.Equal(HttpStatusCode.TooManyRequests, reply.StatusCode);
        Assert.InRange(reply.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 20);
        Assert.Equal("rate_limit_exceeded", JsonNode.Parse(await reply.Content.ReadAsStringAsync(Cancellation))!["error"]!["code"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(http, "/health/live")).Status);
    }

    [Fact]
    public async Task Page_WithKeys_IsOpenedByAKeyAsPasswordOrTheServersOwn()
    {
        var key = ApiKeyFile.Read(_path, mayBeMissing: true).Create("anna");
        var gate = new AccessGate(new(_path), 1, false, true, NullLog());
        await using var host = await StartAsync(gate);
        using var http = new HttpClient { BaseAddress = host.Address };
        Assert.Equal("\"\"", (await GetAsync(http, "/_page/page.css")).Json.ToJsonString());
        foreach (var wrong in new[] { "Basic", "Basic !", "Basic " + Convert.ToBase64String("no colon"u8), "Basic " + Convert.ToBase64String("a:b"u8), "Basic " + new string('A', 4000), "Bearer", "" })
        {
            http.DefaultRequestHeaders.Remove("Authorization");
            http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", wrong);
            Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(http, "/")).Status);
        }
        http.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("anybody:" + key)));
        for (var i = 0; i < 3; i++)
            Assert.Equal("\"anna\"", (await GetAsync(http, "/")).Json.ToJsonString());   // the page's own traffic is not counted
        http.DefaultRequestHeaders.Authorization = new("Bearer", gate.OwnKey);
        for (var i = 0; i < 3; i++)
            Assert.Equal(HttpStatusCode.OK, (await GetAsync(http, "/list_models")).Status);
    }

    private static async Task<(HttpStatusCode Status, JsonNode Json, string? Type)> GetAsync(HttpClient http, string path)
    {
        using var reply = await http.GetAsync(path, Cancellation);
        return (reply.StatusCode, JsonNode.Parse(await reply.Content.ReadAsStringAsync(Cancellation))!, reply.Content.Headers.ContentType?.MediaType);
    }

    // tells who was let in
    private static async Task<ServerHost> StartAsync(AccessGate gate)
    {
        var host = ServerHost.Create("test server", "127.0.0.1", 0, 1 << 20, logging => logging.SetMinimumLevel(LogLevel.None));
        gate.Use(host.App);
        host.App.Run(context => context.Response.WriteAsJsonAsync(context.Items[Serving.OpenAi.OpenAiApi.ClientItem] as string ?? "", Cancellation));
        await host.StartAsync(Cancellation);
        return host;
    }

    private static ILogger NullLog() => Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;
}
