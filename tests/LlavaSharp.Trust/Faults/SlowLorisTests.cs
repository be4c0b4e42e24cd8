using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LlavaSharp.Trust.Processes;

namespace LlavaSharp.Trust.Faults;

/// <summary>Clients that hold connections and say next to nothing.</summary>
[Collection("garbage")]
public class SlowLorisTests
{
    private const int PerBatch = 200;

    // heads that never end; bodies that never end; nothing at all (which is waited for longer, so only at full length)
    private static readonly string[] _beginnings = ["GET /health/live HTTP/1.1\r\nHost: a\r\nX-A: ", "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{", ""];

    [Fact]
    public async Task Connections_ThatDrip_AreClosedAndTheNextRequestWorks()
    {
        await using var server = await Servers.EverythingAsync();
        using var http = new HttpClient { BaseAddress = server.Address };
        var wanted = TrustMode.Choose(fast: 500, full: 10_000);
        var kinds = TrustMode.IsFull ? 3 : 2;
        var sockets = new List<(Socket Socket, int Kind)>();
        var closed = new int[3];
        try
        {
            var watch = Stopwatch.StartNew();
            while (sockets.Count < wanted)
            {
                var batch = await Task.WhenAll(Enumerable.Range(sockets.Count, Math.Min(PerBatch, wanted - sockets.Count)).Select(i => ConnectAsync(server.Address.Port, i % kinds)));
                sockets.AddRange(batch);
                Drip(sockets);
            }
            var opened = watch.Elapsed;
            await AssertServesAsync(http);
            var gone = sockets.Select(socket => WaitForEndAsync(socket.Socket, () => Interlocked.Increment(ref closed[socket.Kind]))).ToArray();
            var all = Task.WhenAll(gone);
            // far more than the server's own limits
            var limit = TimeSpan.FromMinutes(TrustMode.IsFull ? 6 : 2);
            while (!all.IsCompleted && watch.Elapsed < limit)
            {
                await AssertServesAsync(http);
                Drip(sockets);
                await Task.WhenAny(all, Task.Delay(500, TrustMode.Cancellation));
            }
            Assert.True(all.IsCompleted, $"of {wanted} connections {closed.Sum()} were closed within {limit}");
            await AssertServesAsync(http);
            Assert.True(server.IsRunning);
            Assert.DoesNotContain(server.Errors, line => line.Contains("| ERROR |", StringComparison.Ordinal));
            TrustMode.Report($"{wanted} connections opened in {opened.TotalSeconds:0.0} s ({string.Join(", ", closed.Zip(["heads", "bodies", "silent"]).Select(kind => $"{kind.First} {kind.Second}"))}), all closed after {watch.Elapsed.TotalSeconds:0} s");
        }
        finally
        {
            foreach (var (socket, _) in sockets)
                socket.Dispose();
        }
    }

    private static async Task<(Socket, int)> ConnectAsync(int port, int kind)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, TrustMode.Cancellation);
        await socket.SendAsync(Encoding.ASCII.GetBytes(_beginnings[kind]), TrustMode.Cancellation);
        return (socket, kind);
    }

    // a byte for each that has begun
    private static void Drip(List<(Socket Socket, int Kind)> sockets)
    {
        foreach (var (socket, kind) in sockets.Where(socket => socket.Kind < 2))
            try
            {
                socket.Send("a"u8);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // it is closed already
            }
    }

    private static async Task WaitForEndAsync(Socket socket, Action ended)
    {
        var buffer = new byte[1024];
        try
        {
            while (await socket.ReceiveAsync(buffer, TrustMode.Cancellation) > 0)
                continue;   // it may say why
        }
        catch (SocketException)
        {
            // or not
        }
        ended();
    }

    private static async Task AssertServesAsync(HttpClient http)
    {
        using var content = new StringContent("{\"model\":\"tiny\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}");
        using var reply = await http.PostAsync("/v1/chat/completions", content, TrustMode.Cancellation);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
    }
}
