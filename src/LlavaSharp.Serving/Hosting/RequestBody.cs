using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.Hosting;

/// <summary>Reads the bodies of requests.</summary>
internal static class RequestBody
{
    /// <summary>All bytes of a body.</summary>
    /// <exception cref="BadHttpRequestException">It is too large, comes too slowly, is cut off, or its chunks are malformed.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        try
        {
            await context.Request.Body.CopyToAsync(body, context.RequestAborted).ConfigureAwait(false);
        }
        catch (IOException exception) when (exception is not BadHttpRequestException)
        {
            // some sizes of chunks, and connections that broke, are told so: the client's fault all the same
            throw new BadHttpRequestException("The body cannot be read to its end.", StatusCodes.Status400BadRequest, exception);
        }
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }
}
