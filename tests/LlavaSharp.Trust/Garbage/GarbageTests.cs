using System.Diagnostics;
using System.Net;
using LlavaSharp.Trust.Processes;

namespace LlavaSharp.Trust.Garbage;

/// <summary>Nonsense at every endpoint: what comes back is in order, and the server goes on.</summary>
[Collection("garbage")]
public class GarbageTests
{
    private const int Clients = 16;
    private const int Seed = 20260;

    [Fact]
    public async Task Controller_Garbage_IsAnsweredAndTheNextRequestWorks()
    {
        await using var controller = await Servers.ControllerAsync();
        await PlayAsync(controller, Endpoints.Controller, TrustMode.Choose(fast: 960, full: 30_000, "LLAVA_TRUST_REQUESTS"));
        using var client = new ProtocolClient(controller.Address);
        Assert.NotNull(await client.ModelsAsync());
    }

    [Fact]
    public async Task Worker_Garbage_IsAnsweredAndTheNextRequestWorks()
    {
        await using var worker = await Servers.LonelyWorkerAsync();
        await PlayAsync(worker, Endpoints.Worker, TrustMode.Choose(fast: 960, full: 30_000, "LLAVA_TRUST_REQUESTS"));
        using var client = new ProtocolClient(worker.Address);
        Assert.All(await client.AskAsync(ProtocolClient.ShortRequest()), frame => Assert.Equal(0, frame.Code));
        Assert.Contains("\"queue_length\":0", await client.PostAsync("/worker_get_status", ""));
    }

    [Fact]
    public async Task Everything_Garbage_IsAnsweredAndTheNextRequestWorks()
    {
        await using var server = await Servers.EverythingAsync("--max-tokens", "4", "--max-waiting", "1000");
        await PlayAsync(server, Endpoints.Everything, TrustMode.Choose(fast: 1280, full: 40_000, "LLAVA_TRUST_REQUESTS"));
        using var http = new HttpClient { BaseAddress = server.Address };
        using var content = new StringContent("{\"model\":\"tiny\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}");
        using var reply = await http.PostAsync("/v1/chat/completions", content, TrustMode.Cancellation);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
    }

    private static async Task PlayAsync(LlavaProcess server, (string Method, string Path, string? Body)[] endpoints, int requests)
    {
        var watch = Stopwatch.StartNew();
        var clients = Enumerable.Range(0, Clients).Select(i => new GarbageClient(server.Address, endpoints, Seed + i)).ToArray();
        try
        {
            await Task.WhenAll(clients.Select(client => Task.Run(async () =>
            {
                for (var i = 0; i < requests / Clients; i++)
                    await client.AskAsync();
            }, TrustMode.Cancellation)));
        }
        finally
        {
            foreach (var client in clients)
                client.Dispose();
        }
        Assert.True(server.IsRunning, string.Join('\n', server.Errors.TakeLast(40)));
        // what nobody foresaw is an error of the log with its trace
        var unforeseen = server.Errors.Where(line => line.Contains("| ERROR |", StringComparison.Ordinal) && !line.Contains("Get status fails", StringComparison.Ordinal)).ToArray();
        Assert.True(unforeseen.Length == 0, string.Join('\n', unforeseen.Take(60)));
        var statuses = clients.SelectMany(client => client.Statuses).GroupBy(status => status.Key, status => status.Value).OrderBy(group => group.Key).Select(group => $"{group.Key}: {group.Sum()}").ToArray();
        Assert.Contains(statuses, status => status.StartsWith("200:", StringComparison.Ordinal));
        Assert.Contains(statuses, status => status.StartsWith("404:", StringComparison.Ordinal));
        TrustMode.Report($"{requests} requests in {watch.Elapsed.TotalSeconds:0} s; {string.Join(", ", statuses)}");
    }
}
