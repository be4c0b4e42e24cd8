using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Remembers what it is asked, and replies as it is told.</summary>
internal sealed class RecordingServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Func<string, (int Status, IReadOnlyList<byte[]> Chunks)> _reply;

    private RecordingServer(Func<string, (int Status, IReadOnlyList<byte[]> Chunks)> reply)
    {
        _reply = reply;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Where it listens.</summary>
    public string Address => _app.Urls.First();

    /// <summary>Every request, in order.</summary>
    public ConcurrentQueue<(string Method, string Path, string? ContentType, string UserAgent, string Body)> Received { get; } = new();

    /// <summary>Starts one.</summary>
    /// <param name="reply">What it replies, by path.</param>
    public static async Task<RecordingServer> StartAsync(Func<string, (int Status, IReadOnlyList<byte[]> Chunks)> reply)
    {
        var server = new RecordingServer(reply);
        await server._app.StartAsync().ConfigureAwait(false);
        return server;
    }

    /// <summary>Compares what it received with the recording; of headers only those that the programs choose.</summary>
    /// <param name="wanted">The recording.</param>
    /// <param name="which">Which requests are compared with their bodies.</param>
    /// <param name="c">What compares.</param>
    public void Compare(JsonElement wanted, Func<int, bool> which, Comparison c)
    {
        var (recorded, received) = (wanted.EnumerateArray().ToArray(), Received.ToArray());
        c.Sequence("requests", recorded.Select(request => $"{request.GetProperty("method")} {request.GetProperty("path")}"), received.Select(request => $"{request.Method} {request.Path}"));
        for (var i = 0; i < Math.Min(recorded.Length, received.Length); i++)
        {
            var headers = recorded[i].GetProperty("headers");
            c.Equal($"content-type of {i}", headers.GetProperty("content-type").GetString(), received[i].ContentType);
            if (headers.GetProperty("user-agent").GetString() is "LLaVA Client" and var agent)
                c.Equal($"user-agent of {i}", agent, received[i].UserAgent);
            if (which(i))
                c.Equal($"body of {i}", recorded[i].GetProperty("body").GetString(), received[i].Body);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted).ConfigureAwait(false);
        Received.Enqueue((context.Request.Method, context.Request.Path, context.Request.ContentType, context.Request.Headers.UserAgent.ToString(), body));
        var (status, chunks) = _reply(context.Request.Path);
        context.Response.StatusCode = status;
        foreach (var chunk in chunks)
        {
            await context.Response.Body.WriteAsync(chunk, context.RequestAborted).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
    }
}
