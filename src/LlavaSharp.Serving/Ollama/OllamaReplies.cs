using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.OpenAi;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Ollama;

/// <summary>Replies as Ollama's: JSON, streams of JSON lines, and errors in one word.</summary>
internal static class OllamaReplies
{
    private static readonly JsonSerializerOptions _form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>An endpoint whose errors are <c>{"error": "..."}</c>.</summary>
    public static RequestDelegate Guard(Func<HttpContext, Task> handler, ILogger logger) => OpenAiReplies.Guard(handler, logger, async (context, error) =>
    {
        var json = new JsonObject { ["error"] = error.Message };
        if (context.Response.HasStarted)
        {
            if (!context.RequestAborted.IsCancellationRequested)
                await SendAsync(context, json).ConfigureAwait(false);   // the stream ends with it
            return;
        }
        context.Response.StatusCode = error.Status;
        await WriteAsync(context, json).ConfigureAwait(false);
    });

    /// <summary>Replies with JSON.</summary>
    public static async Task WriteAsync(HttpContext context, JsonNode json)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(json.ToJsonString(_form)), context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Begins a stream of lines.</summary>
    public static void BeginStream(HttpContext context) => context.Response.ContentType = "application/x-ndjson";

    /// <summary>Sends a line.</summary>
    public static async Task SendAsync(HttpContext context, JsonNode json)
    {
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(json.ToJsonString(_form) + "\n"), context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
