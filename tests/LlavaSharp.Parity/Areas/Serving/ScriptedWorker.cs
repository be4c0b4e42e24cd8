using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Stands where a recorded worker stood: answers as the step says, and remembers what it was asked.</summary>
internal sealed class ScriptedWorker : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly double _pace;
    private JsonElement _step;

    private ScriptedWorker(double pace)
    {
        _pace = pace;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Where it listens.</summary>
    public string Address => _app.Urls.First();

    /// <summary>Path and body of every request, in order.</summary>
    public ConcurrentQueue<(string Method, string Path, string? ContentType, string Body)> Received { get; } = new();

    /// <summary>Starts one.</summary>
    /// <param name="pace">What pauses are multiplied by.</param>
    public static async Task<ScriptedWorker> StartAsync(double pace)
    {
        var worker = new ScriptedWorker(pace);
        await worker._app.StartAsync().ConfigureAwait(false);
        return worker;
    }

    /// <summary>Answers as this step says from now on.</summary>
    public void Follow(JsonElement step) => _step = step;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        Received.Enqueue((context.Request.Method, context.Request.Path, context.Request.ContentType, await reader.ReadToEndAsync(context.RequestAborted).ConfigureAwait(false)));
        if (_step.TryGetProperty("worker_get_status_reply", out var status))
        {
            await PauseAsync(context, status.GetProperty("pause_ms").GetDouble()).ConfigureAwait(false);
            context.Response.StatusCode = status.GetProperty("status").GetInt32();
            await context.Response.WriteAsync(status.TryGetProperty("json", out var json) ? json.GetRawText() : status.GetProperty("body").GetString()!, context.RequestAborted).ConfigureAwait(false);
            return;
        }
        context.Response.StatusCode = _step.GetProperty("worker_status_code").GetInt32();
        await context.Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
        foreach (var chunk in _step.GetProperty("worker_bytes_base64").EnumerateArray())
        {
            if (chunk.ValueKind == JsonValueKind.Number)
            {
                await PauseAsync(context, chunk.GetDouble()).ConfigureAwait(false);
                continue;
            }
            await context.Response.Body.WriteAsync(chunk.GetBytesFromBase64(), context.RequestAborted).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
    }

    private Task PauseAsync(HttpContext context, double milliseconds) => Task.Delay(TimeSpan.FromMilliseconds(milliseconds * _pace), context.RequestAborted);
}
