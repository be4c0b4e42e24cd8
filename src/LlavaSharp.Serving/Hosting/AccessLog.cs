using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Hosting;

/// <summary>A line for each request, as the original's web server (uvicorn) writes it to its standard output.</summary>
internal static class AccessLog
{
    /// <summary>The name in the lines.</summary>
    public const string Category = "stdout";

    private static readonly Action<ILogger, string, string, string, string, int, string, Exception?> _line = (logger, client, method, path, protocol, status, reason, _) =>
        logger.LogInformation("INFO:     {Client} - \"{Method} {Path} {Protocol}\" {Status} {Reason}", client, method, path, protocol, status, reason);

    /// <summary>Writes them, when the reply's head goes out.</summary>
    public static void Use(WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(Category);
        app.Use((context, next) =>
        {
            context.Response.OnStarting(() =>
            {
                var (request, status) = (context.Request, context.Response.StatusCode);
                _line(logger, Client(context.Connection), request.Method, $"{request.PathBase}{request.Path}{request.QueryString}", request.Protocol, status, ReasonPhrases.GetReasonPhrase(status), null);
                return Task.CompletedTask;
            });
            return next(context);
        });
    }

    private static string Client(ConnectionInfo connection) => connection.RemoteIpAddress switch
    {
        null => "-",
        { IsIPv4MappedToIPv6: true } address => $"{address.MapToIPv4()}:{connection.RemotePort}",
        { AddressFamily: AddressFamily.InterNetworkV6 } address => $"[{address}]:{connection.RemotePort}",
        var address => $"{address}:{connection.RemotePort}",
    };
}
