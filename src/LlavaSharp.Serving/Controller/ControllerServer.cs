using LlavaSharp.Serving.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Controller;

/// <summary>
/// Knows the workers, tells clients which one has a model, and passes streams on. The original's <c>llava.serve.controller</c>; each works with the other's workers
/// and clients.
/// </summary>
public sealed class ControllerServer : IAsyncDisposable
{
    private readonly ServerHost _host;
    private readonly ControllerService _service;

    private ControllerServer(ControllerOptions options, Action<ILoggingBuilder>? logging)
    {
        var registry = new WorkerRegistry(options.DispatchMethod, options.Clock, options.Random, options.HeartBeatExpiration);
        _host = ServerHost.Create("controller", options.Host, options.Port, options.MaxBodyBytes, logging, services => services.AddSingleton(registry).AddSingleton(options.Clock).AddHostedService<ExpirySweep>());
        _service = new(options, registry, _host.App.Logger);
        if (options.WorkerSecret is null && !_host.IsLoopback)
            _host.App.Logger.LogWarning("ANYBODY who reaches {Host}:{Port} can offer models and read what users ask. Give a secret to controller and workers (--worker-secret-file), or listen at localhost only.", options.Host, options.Port);
        AccessLog.Use(_host.App);
        FastApiReplies.Use(_host.App);
        _host.App.UseRouting();
        _host.MapHealth();
        _service.Map(_host.App);
    }

    /// <summary>Where it listens, once it runs.</summary>
    public Uri Address => _host.Address;

    /// <summary>Starts one.</summary>
    /// <param name="options">How.</param>
    /// <param name="logging">Where it writes its log; null: to the console.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ServingException">The address is in use, or no address of this machine.</exception>
    public static async Task<ControllerServer> StartAsync(ControllerOptions options, Action<ILoggingBuilder>? logging = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var server = new ControllerServer(options, logging);
        try
        {
            await server._host.StartAsync(cancellation).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Returns when it has been told to stop.</summary>
    public Task WaitAsync(CancellationToken cancellation = default) => _host.WaitAsync(cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync().ConfigureAwait(false);
        _service.Dispose();
    }
}
