using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Generation.Batching;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>Replies as OpenAI's: JSON, server-sent events, and error objects.</summary>
internal static class OpenAiReplies
{
    private static readonly JsonSerializerOptions _form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>An endpoint whose errors are error objects.</summary>
    public static RequestDelegate Guard(Func<HttpContext, Task> handler, ILogger logger) => Guard(handler, logger, async (context, error) =>
    {
        if (!context.Response.HasStarted)
            await WriteErrorAsync(context, error).ConfigureAwait(false);
        else if (context.Response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) == true && !context.RequestAborted.IsCancellationRequested)
            await SendAsync(context, Error(error)).ConfigureAwait(false);   // the stream ends with it
    });

    /// <summary>An endpoint whose errors are said in a way of its own.</summary>
    /// <param name="handler">The endpoint.</param>
    /// <param name="logger">Where it is told what went wrong inside.</param>
    /// <param name="refuse">Says an error, before or in the midst of the reply.</param>
    public static RequestDelegate Guard(Func<HttpContext, Task> handler, ILogger logger, Func<HttpContext, OpenAiException, Task> refuse) => async context =>
    {
        try
        {
            await handler(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            logger.LogInformation("The client of {Path} went away", context.Request.Path);
        }
        catch (Exception exception)
        {
            var error = Explain(exception);
            if (error.Status >= 500)
                logger.LogError(exception, "{Path} failed", context.Request.Path);
            await refuse(context, error).ConfigureAwait(false);
        }
    };

    /// <summary>What an exception is to the client; what went wrong inside is for the log only.</summary>
    public static OpenAiException Explain(Exception exception) => exception switch
    {
        OpenAiException known => known,
        ContextLengthException tooLong => new(400, tooLong.Message, "messages", "context_length_exceeded"),
        EngineBusyException busy => new(503, busy.Message, null, "overloaded", OpenAiException.ServerError),
        BadHttpRequestException bad => new(bad.StatusCode, bad.StatusCode == StatusCodes.Status413PayloadTooLarge ? "The request is larger than this server takes." : "The request's body was cut off or malformed."),
        ServingException => Internal(),
        LlavaException wrong => new(400, wrong.Message),
        _ => Internal(),
    };

    /// <summary>Replies with JSON.</summary>
    public static async Task WriteAsync(HttpContext context, JsonNode json)
    {
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(Bytes(json), context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Replies with an error object.</summary>
    public static Task WriteErrorAsync(HttpContext context, OpenAiException error)
    {
        context.Response.StatusCode = error.Status;
        if (error.Status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests && !context.Response.Headers.ContainsKey("Retry-After"))
            context.Response.Headers.RetryAfter = "1";
        return WriteAsync(context, Error(error));
    }

    /// <summary>Begins a stream of events.</summary>
    public static void BeginStream(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";   // proxies pass each event on
    }

    /// <summary>Sends an event.</summary>
    public static Task SendAsync(HttpContext context, JsonNode json) => SendAsync(context, Bytes(json));

    /// <summary>Sends an event that has a name.</summary>
    public static async Task SendAsync(HttpContext context, string name, JsonNode json)
    {
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"event: {name}\n"), context.RequestAborted).ConfigureAwait(false);
        await SendAsync(context, Bytes(json)).ConfigureAwait(false);
    }

    /// <summary>Ends a stream of events.</summary>
    public static Task EndStreamAsync(HttpContext context) => SendAsync(context, "[DONE]"u8.ToArray());

    private static async Task SendAsync(HttpContext context, byte[] data)
    {
        await context.Response.Body.WriteAsync((byte[])[.. "data: "u8, .. data, .. "\n\n"u8], context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static byte[] Bytes(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString(_form));

    private static OpenAiException Internal() => new(500, "The server had an error while processing your request. Its log says what.", null, null, OpenAiException.ServerError);

    private static JsonObject Error(OpenAiException error) => new()
    {
        ["error"] = new JsonObject { ["message"] = error.Message, ["type"] = error.Type, ["param"] = error.Parameter, ["code"] = error.Code },
    };
}
