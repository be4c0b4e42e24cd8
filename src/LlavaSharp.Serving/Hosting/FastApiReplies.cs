using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.IO;
using LlavaSharp.Serving.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Hosting;

/// <summary>Replies as the original's web framework words them: JSON in compact form, and its answers to requests that nobody can serve.</summary>
internal static class FastApiReplies
{
    /// <summary>Replies with JSON.</summary>
    public static Task WriteJsonAsync(HttpContext context, JsonNode? json) => WriteAsync(context, "application/json", PythonJson.DumpCompact(json));

    /// <summary>The object in a request's body.</summary>
    /// <exception cref="ProtocolException">It is none.</exception>
    public static async Task<(JsonObject Json, byte[] Body)> ReadAsync(HttpContext context)
    {
        var bytes = (await RequestBody.ReadAsync(context).ConfigureAwait(false)).ToArray();
        return (ProtocolJson.Object(bytes), bytes);
    }

    /// <summary>Says what is wrong with a request in the framework's words; what went wrong inside is for the log only.</summary>
    public static void Use(WebApplication app)
    {
        app.Use(async (context, next) =>
        {
            try
            {
                await next(context).ConfigureAwait(false);
                if (!context.Response.HasStarted && context.Response is { ContentLength: null, StatusCode: StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed })
                    await WriteJsonAsync(context, new JsonObject { ["detail"] = context.Response.StatusCode == StatusCodes.Status404NotFound ? "Not Found" : "Method Not Allowed" }).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
            {
                app.Logger.LogInformation("The client of {Path} went away", context.Request.Path);
            }
            catch (BadHttpRequestException exception) when (!context.Response.HasStarted)
            {
                context.Response.StatusCode = exception.StatusCode;   // too large, or cut off
            }
            catch (Exception exception) when (!context.Response.HasStarted)
            {
                if (exception is ProtocolException)
                    app.Logger.LogWarning("Refused {Path}: {Reason}", context.Request.Path, exception.Message);
                else
                    app.Logger.LogError(exception, "{Path} failed", context.Request.Path);
                context.Response.StatusCode = StatusCodes.Status500InternalServerError;
                await WriteAsync(context, "text/plain; charset=utf-8", "Internal Server Error").ConfigureAwait(false);
            }
        });
    }

    private static async Task WriteAsync(HttpContext context, string type, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        (context.Response.ContentType, context.Response.ContentLength) = (type, bytes.Length);
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }
}
