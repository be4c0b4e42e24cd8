using LlavaSharp.Serving;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Web.Hosting;

/// <summary>The chat page before a controller. The original's <c>llava.serve.gradio_web_server</c>; it works with the original's controller and workers, too.</summary>
public sealed class WebServer : IAsyncDisposable
{
    private const int FirstPort = 7860;   // where the original's library begins to look
    private const int PortsTried = 100;

    private readonly ServerHost _host;

    private WebServer(WebServerOptions options, int port, Action<ILoggingBuilder>? logging)
    {
        var page = new LlavaPage(options);
        _host = ServerHost.Create("web server", options.Host, port, 1 << 20, logging, page.AddServices);
        try
        {
            if (!_host.IsLoopback)
                _host.App.Logger.LogWarning("ANYBODY who reaches {Host}:{Port} can use the page. Put a proxy that knows its users in front, or listen at localhost only.", options.Host, port);
            AccessLog.Use(_host.App);
            FastApiReplies.Use(_host.App);
            _host.App.UseRouting();
            _host.MapHealth();
            page.Map(_host.App);
        }
        catch
        {
            ((IDisposable)_host.App).Dispose();
            throw;
        }
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => _host.Address;

    /// <summary>Starts one.</summary>
    /// <param name="options">How.</param>
    /// <param name="logging">Where it writes its log; null: to the console.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ServingException">An option makes no sense; or the address is in use, or no address of this machine.</exception>
    public static async Task<WebServer> StartAsync(WebServerOptions options, Action<ILoggingBuilder>? logging = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        for (var port = options.Port ?? FirstPort; ; port++)
        {
            var server = new WebServer(options, port, logging);
            try
            {
                await server._host.StartAsync(cancellation).ConfigureAwait(false);
                return server;
            }
            catch (ServingException) when (options.Port is null && port < FirstPort + PortsTried)
            {
                await server.DisposeAsync().ConfigureAwait(false);
            }
            catch
            {
                await server.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>Returns when it has been told to stop.</summary>
    public Task WaitAsync(CancellationToken cancellation = default) => _host.WaitAsync(cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
