using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace LlavaSharp.Web.Hosting;

/// <summary>The page's files, which are in the assembly.</summary>
internal static class PageAssets
{
    private const string Prefix = "Assets/";
    private const string Framework = "blazor.web.js";   // its own name in the package of the framework

    /// <summary>Maps them: <c>/_page/NAME</c>, and Blazor's script where it is expected.</summary>
    public static void MapPageAssets(this IEndpointRouteBuilder app)
    {
        foreach (var resource in typeof(PageAssets).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            var (name, bytes) = (resource[Prefix.Length..], Read(resource[Prefix.Length..]));
            var type = TypeOf(name);
            var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))[..32]}\"");
            app.MapGet(name == Framework ? $"/_framework/{name}" : $"/_page/{name}", (HttpContext context) =>
            {
                context.Response.Headers.CacheControl = "no-cache";   // asked for again, but not sent again
                return Results.Bytes(bytes, type, entityTag: tag);
            });
        }
    }

    /// <summary>A file.</summary>
    public static byte[] Read(string name)
    {
        using var stream = typeof(PageAssets).Assembly.GetManifestResourceStream(Prefix + name) ?? throw new FileNotFoundException($"The page has no file '{name}'.");
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        ".png" => "image/png",
        var other => throw new InvalidOperationException($"No type is known for '*{other}'."),
    };
}
