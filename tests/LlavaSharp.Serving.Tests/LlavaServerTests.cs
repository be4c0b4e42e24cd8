using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Serving.Clients;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Workers;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Tests;

public sealed class LlavaServerTests : IAsyncLifetime
{
    private LlavaModel _model = null!;
    private BatchingEngine _engine = null!;
    private LlavaServer _server = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _model = await LlavaModel.LoadAsync(null, new() { Offline = true, Device = "cpu", DataType = "float32" });
        _engine = new(_model);
        _server = await LlavaServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, _engine, "tiny", Quiet);
        _http = new() { BaseAddress = _server.Address };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        await _engine.DisposeAsync();
        _model.Dispose();
    }

    [Fact]
    public async Task Port_BothProtocols_AreAnsweredByTheSameModel()
    {
        Assert.Equal("{\"models\":[\"tiny\"],\"conversation_templates\":{\"tiny\":\"vicuna_v1\"}}", await PostAsync("/list_models", ""));
        Assert.Equal(_server.Address.ToString().TrimEnd('/'), JsonNode.Parse(await PostAsync("/get_worker_address", "{\"model\":\"tiny\"}"))!["address"]!.GetValue<string>());
        var frames = (await PostAsync("/worker_generate_stream", "{\"model\":\"tiny\",\"prompt\":\"USER: Hello ASSISTANT:\",\"temperature\":0,\"max_new_tokens\":5,\"stop\":\"</s>\"}")).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(0, JsonNode.Parse(frames[^1])!["error_code"]!.GetValue<int>());
        var chat = JsonNode.Parse(await PostAsync("/v1/chat/completions", "{\"model\":\"tiny\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}"))!;
        Assert.Equal("chat.completion", chat["object"]!.GetValue<string>());
        using var output = new StringWriter();
        await TestMessageClient.RunAsync(_server.Address.ToString(), null, "tiny", "Hello", 5, output, Cancellation);
        Assert.StartsWith("Models: ['tiny']\n", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Worker_FromElsewhere_IsTakenInAndAsked()
    {
        await using var worker = await WorkerServer.StartAsync(
            new() { Host = "127.0.0.1", Port = 0, ControllerAddress = _server.Address.ToString() }, new EngineBackend(_engine, "second"), Quiet, Cancellation);
        Assert.Equal(["second", "tiny"], JsonNode.Parse(await PostAsync("/list_models", ""))!["models"]!.AsArray().Select(name => name!.GetValue<string>()).Order(StringComparer.Ordinal));
        await PostAsync("/refresh_all_workers", "");
        var frames = (await PostAsync("/worker_generate_stream", "{\"model\":\"second\",\"prompt\":\"USER: Hello ASSISTANT:\",\"temperature\":0,\"max_new_tokens\":3}")).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(0, JsonNode.Parse(frames[^1])!["error_code"]!.GetValue<int>());
        Assert.Equal(2, JsonNode.Parse(await PostAsync("/worker_get_status", ""))!["speed"]!.GetValue<int>());
    }

    [Fact]
    public async Task Health_Running_IsLiveAndReady()
    {
        Assert.Equal("{\"status\":\"live\"}", await _http.GetStringAsync("/health/live", Cancellation));
        Assert.Equal("{\"status\":\"ready\"}", await _http.GetStringAsync("/health/ready", Cancellation));
        Assert.Equal(HttpStatusCode.NotFound, (await _http.GetAsync("/nothing", Cancellation)).StatusCode);
    }

    [Theory]
    [InlineData("/worker_generate_stream", "FFFFFFFFFF\r\n")]
    [InlineData("/v1/chat/completions", "FFFFFFFFFF\r\n")]
    [InlineData("/api/chat", "FFFFFFFFFF\r\n")]
    [InlineData("/v1/chat/completions", "5x\r\n")]
    public async Task Body_ChunksAreMalformed_IsTheClientsFault(string path, string chunk)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _server.Address.Port, Cancellation);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"), Cancellation);
        var head = new byte[12];
        await client.GetStream().ReadExactlyAsync(head, Cancellation);
        Assert.Equal("HTTP/1.1 400", Encoding.ASCII.GetString(head));
    }

    private async Task<string> PostAsync(string path, string body)
    {
        using var content = new StringContent(body);
        using var reply = await _http.PostAsync(path, content, Cancellation);
        return await reply.Content.ReadAsStringAsync(Cancellation);
    }

    private static void Quiet(ILoggingBuilder logging) => logging.SetMinimumLevel(LogLevel.None);
}
