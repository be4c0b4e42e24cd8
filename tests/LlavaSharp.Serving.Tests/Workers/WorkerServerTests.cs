using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Controller;
using LlavaSharp.Serving.Workers;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Tests.Workers;

public class WorkerServerTests
{
    private const string Request = "{\"prompt\":\"p\",\"stop\":\"s\"}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Generate_ClientGoesAway_EndsTheBackendsWorkAndFreesTheSlot()
    {
        var backend = new EndlessBackend();
        await using var worker = await StartAsync(backend, new() { Register = false, LimitModelConcurrency = 1 });
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, worker.Address.Port, Cancellation);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST /worker_generate_stream HTTP/1.1\r\nHost: a\r\nContent-Length: {Request.Length}\r\n\r\n{Request}"), Cancellation);
            await client.GetStream().ReadExactlyAsync(new byte[100], Cancellation);
            Assert.Equal(1, worker.QueueLength);
        }
        await UntilAsync(() => worker.QueueLength == 0 && backend.Ended == 1);
    }

    [Fact]
    public async Task Generate_MoreThanTheLimit_Wait()
    {
        var backend = new EndlessBackend();
        await using var worker = await StartAsync(backend, new() { Register = false, LimitModelConcurrency = 2 });
        using var http = new HttpClient { BaseAddress = worker.Address };
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var asking = Enumerable.Range(0, 5).Select(_ => http.PostAsync("/worker_generate_stream", new StringContent(Request), stop.Token)).ToArray();
        await UntilAsync(() => worker.QueueLength == 5 && backend.Running == 2);
        await Task.Delay(50, Cancellation);
        Assert.Equal(2, backend.Running);
        await stop.CancelAsync();
        await Task.WhenAll(asking.Select(task => task.ContinueWith(_ => { }, TaskScheduler.Default)));
        await UntilAsync(() => worker.QueueLength == 0);
    }

    [Fact]
    public async Task Register_ControllerComesLater_IsFoundAtAHeartBeat()
    {
        var port = FreePort();
        await using var worker = await StartAsync(new EndlessBackend(), new() { ControllerAddress = $"http://127.0.0.1:{port}", HeartBeatInterval = TimeSpan.FromMilliseconds(50) });
        await using var controller = await ControllerServer.StartAsync(new() { Host = "127.0.0.1", Port = port }, Quiet, Cancellation);
        await UntilModelsAsync(controller, "{\"models\":[\"endless\"]}");
    }

    [Fact]
    public async Task HeartBeat_ControllerIsReplaced_RegistersAnew()
    {
        var first = await ControllerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, Quiet, Cancellation);
        var port = first.Address.Port;
        await using var worker = await StartAsync(new EndlessBackend(), new() { ControllerAddress = $"http://127.0.0.1:{port}", HeartBeatInterval = TimeSpan.FromMilliseconds(50) });
        await UntilModelsAsync(first, "{\"models\":[\"endless\"]}");
        await first.DisposeAsync();
        await using var second = await ControllerServer.StartAsync(new() { Host = "127.0.0.1", Port = port }, Quiet, Cancellation);
        await UntilModelsAsync(second, "{\"models\":[\"endless\"]}");
    }

    [Fact]
    public async Task Register_ControllerWantsASecret_OnlyWorkersThatKnowItAreTaken()
    {
        const string secret = "sixteen letters or more";
        await using var controller = await ControllerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, WorkerSecret = secret }, Quiet, Cancellation);
        var address = controller.Address.ToString().TrimEnd('/');
        await using var stranger = await StartAsync(new EndlessBackend("stranger"), new() { ControllerAddress = address, WorkerSecret = secret + "!" });
        await using var worker = await StartAsync(new EndlessBackend(), new() { ControllerAddress = address, WorkerSecret = secret });
        await UntilModelsAsync(controller, "{\"models\":[\"endless\"]}");
    }

    [Fact]
    public async Task Register_ControllerIsNotThere_FailsWithTheOriginalsQuirkOnly()
    {
        var options = new WorkerOptions { ControllerAddress = $"http://127.0.0.1:{FreePort()}" };
        await using var patient = await StartAsync(new EndlessBackend(), options);
        await Assert.ThrowsAsync<ServingException>(() => StartAsync(new EndlessBackend(), options with { Quirks = WorkerQuirks.Original }));
    }

    [Fact]
    public async Task Generate_BackendFails_GivesTheErrorFrameBehindWhatWasSaid()
    {
        await using var worker = await StartAsync(new EndlessBackend { FailsAfter = 2 }, new() { Register = false });
        using var http = new HttpClient { BaseAddress = worker.Address };
        var frames = (await AskAsync(http, Request)).Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(frame => JsonNode.Parse(frame)!["error_code"]!.GetValue<int>());
        Assert.Equal([0, 0, 1], frames);
    }

    [Fact]
    public async Task AnyEndpoint_Garbage_IsAnsweredAndTheNextRequestWorks()
    {
        var random = new Random(11);
        string[] parts = ["{", "}", "[", "]", "\"prompt\"", "\"images\"", "\"stop\"", "\"temperature\"", "\"max_new_tokens\"", ":", ",", "null", "true", "1e999", "-1", "\"\"", "\"<image>\"", "\"\\ud800\"", "\0", "\u00ff", "\"9999999999999999999\""];
        await using var worker = await StartAsync(new EndlessBackend { FailsAfter = 1 }, new() { Register = false });
        using var http = new HttpClient { BaseAddress = worker.Address };
        for (var i = 0; i < 3000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => parts[random.Next(parts.Length)]));
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(i % 2 == 0 ? "{\"prompt\":\"p\"," + text + "}" : text));
            using var reply = await http.PostAsync(i % 5 == 0 ? "/worker_get_status" : "/worker_generate_stream", content, Cancellation);
            Assert.True(reply.StatusCode is HttpStatusCode.OK or HttpStatusCode.InternalServerError, $"{reply.StatusCode}");
        }
        Assert.Equal("{\"model_names\":[\"endless\"],\"speed\":1,\"queue_length\":0}", await (await http.PostAsync("/worker_get_status", null, Cancellation)).Content.ReadAsStringAsync(Cancellation));
    }

    private static async Task<string> AskAsync(HttpClient http, string body)
    {
        using var reply = await http.PostAsync("/worker_generate_stream", new StringContent(body), Cancellation);
        return await reply.Content.ReadAsStringAsync(Cancellation);
    }

    private static Task<WorkerServer> StartAsync(IWorkerBackend backend, WorkerOptions options) =>
        WorkerServer.StartAsync(options with { Host = "127.0.0.1", Port = 0 }, backend, Quiet, Cancellation);

    private static async Task UntilModelsAsync(ControllerServer controller, string wanted)
    {
        using var http = new HttpClient { BaseAddress = controller.Address };
        var last = "";
        for (var i = 0; i < 500 && last != wanted; i++)
        {
            using var reply = await http.PostAsync("/list_models", null, Cancellation);
            last = await reply.Content.ReadAsStringAsync(Cancellation);
            await Task.Delay(10, Cancellation);
        }
        Assert.Equal(wanted, last);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        for (var i = 0; i < 500 && !holds(); i++)
            await Task.Delay(10, Cancellation);
        Assert.True(holds());
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void Quiet(ILoggingBuilder logging) => logging.SetMinimumLevel(LogLevel.None);

    // speaks until nobody listens
    private sealed class EndlessBackend(string name = "endless") : IWorkerBackend
    {
        private int _running;
        private int _ended;

        public int Running => Volatile.Read(ref _running);

        public int Ended => Volatile.Read(ref _ended);

        public int FailsAfter { get; init; } = int.MaxValue;

        public IReadOnlyList<string> ModelNames { get; } = [name];

        public async IAsyncEnumerable<string> AnswerAsync(JsonNode? request, [EnumeratorCancellation] CancellationToken cancellation)
        {
            _ = WorkerRequest.Read(request);
            Interlocked.Increment(ref _running);
            try
            {
                for (var i = 0; ; i++)
                {
                    if (i == FailsAfter)
                        throw new InvalidOperationException("broken");
                    yield return new string('a', i % 100);
                    await Task.Delay(1, cancellation);
                }
            }
            finally
            {
                Interlocked.Decrement(ref _running);
                Interlocked.Increment(ref _ended);
            }
        }
    }
}
