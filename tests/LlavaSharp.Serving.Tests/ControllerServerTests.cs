using System.Net;
using System.Net.Sockets;
using System.Text;
using LlavaSharp.Serving.Controller;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Tests;

public sealed class ControllerServerTests : IAsyncLifetime
{
    private static readonly string[] _paths = ["/register_worker", "/refresh_all_workers", "/list_models", "/get_worker_address", "/receive_heart_beat", "/worker_get_status", "/worker_generate_stream"];

    private ControllerServer _server = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await Start(new());
        _http = new() { BaseAddress = _server.Address };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task AnyEndpoint_Garbage_IsAnsweredAndTheNextRequestWorks()
    {
        var random = new Random(5);
        string[] parts = ["{", "}", "[", "]", "\"worker_name\"", "\"model\"", "\"check_heart_beat\"", "\"worker_status\"", "\"queue_length\"", ":", ",", "null", "true", "1e999", "-1", "\"\"", "\"http://\"", "\"\\ud800\"", "\0", "\u00ff"];
        for (var i = 0; i < 3000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => parts[random.Next(parts.Length)]));
            var body = i % 3 == 0 ? "{\"worker_name\":" + text + "}" : text;
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            using var reply = await _http.PostAsync(_paths[random.Next(_paths.Length)], content, TestContext.Current.CancellationToken);
            Assert.True(reply.StatusCode is HttpStatusCode.OK or HttpStatusCode.InternalServerError, $"{reply.StatusCode} for {body}");
            if (reply.StatusCode == HttpStatusCode.InternalServerError)
                Assert.Equal("Internal Server Error", await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
        Assert.Equal("{\"models\":[]}", await Post("/list_models", ""));
    }

    [Fact]
    public async Task GetWorkerAddress_WorkerWithoutSpeed_IsTakenLast()
    {
        await Register("http://127.0.0.1:1", speed: 0);
        await Register("http://127.0.0.1:2", speed: 1);
        for (var i = 0; i < 3; i++)
            Assert.Equal("{\"address\":\"http://127.0.0.1:2\"}", await Post("/get_worker_address", "{\"model\":\"m\"}"));
    }

    [Fact]
    public async Task Generate_NoWorker_GivesOneFrameUnlessTheOriginalsFaultIsWanted()
    {
        Assert.Single(Frames(await Post("/worker_generate_stream", "{\"model\":\"m\"}")));
        await using var faithful = await Start(new() { SecondErrorFrame = true });
        using var http = new HttpClient { BaseAddress = faithful.Address };
        using var reply = await http.PostAsync("/worker_generate_stream", new StringContent("{\"model\":\"m\"}"), TestContext.Current.CancellationToken);
        Assert.Equal(2, Frames(await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Length);
    }

    [Fact]
    public async Task Generate_WorkerAddressIsNone_GivesTheErrorFrame()
    {
        foreach (var address in new[] { "", "file:///etc/passwd", "http://", "127.0.0.1" })
        {
            await Register(address, speed: 1);
            var frame = Assert.Single(Frames(await Post("/worker_generate_stream", "{\"model\":\"m\"}")));
            Assert.Contains("\"error_code\": 3", frame);
        }
    }

    [Fact]
    public async Task Generate_ClientGoesAway_EndsTheWorkersWork()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await Register($"http://{listener.LocalEndpoint}", speed: 1);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var asking = _http.PostAsync("/worker_generate_stream", new StringContent("{\"model\":\"m\"}"), leaving.Token);
        using var connection = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        var buffer = new byte[4096];
        Assert.True(await connection.ReceiveAsync(buffer, TestContext.Current.CancellationToken) > 0);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        // the request's body, and then the end of the connection
        while (await ReceivedAsync(connection, buffer) > 0)
            continue;
    }

    [Fact]
    public async Task Start_AddressThatCannotBeHad_SaysWhichAndWhatToDo()
    {
        var used = await Assert.ThrowsAsync<ServingException>(() => Start(new() { Port = _server.Address.Port }));
        Assert.Contains($"127.0.0.1:{_server.Address.Port}", used.Message);
        Assert.Contains("--port", used.Message);
        // an unknown name must not end in listening everywhere
        var unknown = await Assert.ThrowsAsync<ServingException>(() => ControllerServer.StartAsync(new() { Host = "no-such-name.invalid" }, cancellation: TestContext.Current.CancellationToken));
        Assert.Contains("no-such-name.invalid", unknown.Message);
    }

    private static async Task<int> ReceivedAsync(Socket connection, byte[] buffer)
    {
        try
        {
            return await connection.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private static string[] Frames(string body) => body.Split('\0', StringSplitOptions.RemoveEmptyEntries);

    private static Task<ControllerServer> Start(ControllerOptions options) =>
        ControllerServer.StartAsync(options with { Host = "127.0.0.1", Port = options.Port == new ControllerOptions().Port ? 0 : options.Port }, logging => logging.SetMinimumLevel(LogLevel.None), TestContext.Current.CancellationToken);

    private async Task Register(string address, double speed) => Assert.Equal("null", await Post(
        "/register_worker", $"{{\"worker_name\":\"{address}\",\"check_heart_beat\":false,\"worker_status\":{{\"model_names\":[\"m\"],\"speed\":{speed},\"queue_length\":0}}}}"));

    private async Task<string> Post(string path, string body)
    {
        using var reply = await _http.PostAsync(path, new StringContent(body), TestContext.Current.CancellationToken);
        return await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
