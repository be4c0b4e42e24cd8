using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Hosting;

/// <summary>What every server of ours is made of: it listens where it was told, and only there, limits bodies, and logs in the original's words.</summary>
internal sealed class ServerHost : IAsyncDisposable
{
    private static readonly TimeSpan _drain = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _headPatience = TimeSpan.FromSeconds(10);   // a head is a few packets; whoever drips it holds a connection

    private readonly string _name;
    private readonly string _host;
    private readonly int _port;

    private ServerHost(string name, string host, int port, bool isLoopback, WebApplication app) => (_name, _host, _port, IsLoopback, App) = (name, host, port, isLoopback, app);

    /// <summary>The application, for endpoints to be mapped.</summary>
    public WebApplication App { get; }

    /// <summary>Whether only this machine reaches it.</summary>
    public bool IsLoopback { get; }

    /// <summary>Where it listens, once it runs.</summary>
    public Uri Address => new(App.Urls.First());

    /// <summary>Prepares one.</summary>
    /// <param name="name">What errors call it, such as <c>controller</c>.</param>
    /// <param name="host">The name or number that it listens at.</param>
    /// <param name="port">The port; 0 takes a free one.</param>
    /// <param name="maxBodyBytes">The most bytes of a request.</param>
    /// <param name="logging">Where it writes its log; null: to the console.</param>
    /// <param name="services">Adds services.</param>
    /// <exception cref="ServingException">The address has no number.</exception>
    public static ServerHost Create(string name, string host, int port, long maxBodyBytes, Action<ILoggingBuilder>? logging, Action<IServiceCollection>? services = null)
    {
        var addresses = ListeningAddress.Resolve(host);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            ListeningAddress.Listen(kestrel, addresses, port);
            kestrel.AddServerHeader = false;
            kestrel.Limits.RequestHeadersTimeout = _headPatience;
            kestrel.Limits.MaxRequestBodySize = maxBodyBytes;
        });
        if (logging is not null)
        {
            builder.Logging.ClearProviders();
            logging(builder.Logging);
        }
        // what the framework does is not worth a line; that it does not start is said by the error
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        services?.Invoke(builder.Services);
        // what is being answered when the server is told to stop is answered to its end
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = _drain);
        return new(name, host, port, addresses.All(System.Net.IPAddress.IsLoopback), builder.Build());
    }

    /// <summary>Begins to listen.</summary>
    /// <exception cref="ServingException">The address is in use, or no address of this machine.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        try
        {
            await App.StartAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            throw new ServingException($"The {_name} cannot listen at {_host}:{_port}: {exception.Message.TrimEnd('.')}. Choose another port (--port) or address (--host), or stop what listens there.", exception);
        }
    }

    /// <summary>
    /// Maps <c>/health/live</c> (the process answers) and <c>/health/ready</c> (it may be sent requests: status 503 while it is not, and as soon as it is told to stop).
    /// </summary>
    /// <param name="isReady">Whether it may be sent requests; null: as soon as it listens.</param>
    public void MapHealth(Func<bool>? isReady = null)
    {
        App.MapGet("/health/live", context => FastApiReplies.WriteJsonAsync(context, new System.Text.Json.Nodes.JsonObject { ["status"] = "live" }));
        App.MapGet("/health/ready", context =>
        {
            var ready = !App.Lifetime.ApplicationStopping.IsCancellationRequested && isReady?.Invoke() != false;
            context.Response.StatusCode = ready ? 200 : 503;
            return FastApiReplies.WriteJsonAsync(context, new System.Text.Json.Nodes.JsonObject { ["status"] = ready ? "ready" : "not ready" });
        });
    }

    /// <summary>Returns when it has been told to stop.</summary>
    public Task WaitAsync(CancellationToken cancellation) => App.WaitForShutdownAsync(cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => App.DisposeAsync();
}
