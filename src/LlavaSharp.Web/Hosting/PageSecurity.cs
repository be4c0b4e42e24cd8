using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Web.Hosting;

/// <summary>Headers by which a browser loads nothing from elsewhere, runs no script but the page's own, and shows the page in no other one unless it is meant for that.</summary>
internal static class PageSecurity
{
    private static readonly string[] _paths = ["/_page", "/_framework", "/_blazor"];

    /// <summary>Adds them to the page and its files, and to nothing else of the server.</summary>
    public static void UsePageSecurity(this IApplicationBuilder app, bool embed)
    {
        var policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'self'; form-action 'none'; "
            + (embed ? "frame-ancestors *" : "frame-ancestors 'none'");
        app.Use((context, next) =>
        {
            var path = context.Request.Path;
            if (path == "/" || _paths.Any(known => path.StartsWithSegments(known)))
                context.Response.OnStarting(() =>
                {
                    var headers = context.Response.Headers;
                    headers.ContentSecurityPolicy = policy;
                    headers.XContentTypeOptions = "nosniff";
                    headers["Referrer-Policy"] = "no-referrer";
                    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
                    return Task.CompletedTask;
                });
            return next(context);
        });
    }
}
