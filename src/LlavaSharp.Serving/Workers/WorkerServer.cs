using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Operations;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Workers;

/// <summary>
/// Answers requests for generation in the original's protocol, and keeps itself known to a controller. The original's <c>llava.serve.model_worker</c>; each works with
/// the other's controller and clients.
/// </summary>
public sealed class WorkerServer : IAsyncDisposable
{
    private readonly ServerHost _host;
    private readonly HttpClient _http;
    private readonly WorkerOptions _options;
    private readonly WorkerService _service;
    private readonly CancellationTokenSource _stop = new();
    private ControllerLink? _link;
    private Task _beats = Task.CompletedTask;

    private WorkerServer(WorkerOptions options, IWorkerBackend backend, Action<ILoggingBuilder>? logging)
    {
        _options = options;
        // no proxy: the controller is a neighbour; patience is the only limit
        _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
        _host = ServerHost.Create("worker", options.Host, options.Port, options.MaxBodyBytes, logging, services => Telemetry.Add(services, metrics: true));
        _service = new(options, backend, _host.App.Logger);
        AccessLog.Use(_host.App);
        FastApiReplies.Use(_host.App);
        _host.App.UseRouting();
        _host.MapHealth();
        _host.App.MapPrometheusScrapingEndpoint("/metrics");
        _host.App.MapPost("/worker_get_status", context => FastApiReplies.WriteJsonAsync(context, _service.Status.ToJson()));
        _host.App.MapPost("/worker_generate_stream", _service.AnswerAsync);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => _host.Address;

    /// <summary>Requests that run or wait.</summary>
    public int QueueLength => _service.QueueLength;

    private ILogger Logger => _host.App.Logger;

    /// <summary>Starts one. A controller that cannot be reached is tried again at every heartbeat; with Q21 it is an error.</summary>
    /// <param name="options">How.</param>
    /// <param name="backend">What answers; it must outlive the server.</param>
    /// <param name="logging">Where it writes its log; null: to the console.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ServingException">An option makes no sense; or the address is in use, or no address of this machine.</exception>
    public static async Task<WorkerServer> StartAsync(WorkerOptions options, IWorkerBackend backend, Action<ILoggingBuilder>? logging = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(backend);
        options.Validate();
        var server = new WorkerServer(options, backend, logging);
        try
        {
            await server._host.StartAsync(cancellation).ConfigureAwait(false);
            await server.JoinAsync(cancellation).ConfigureAwait(false);
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
        await _stop.CancelAsync().ConfigureAwait(false);
        await _host.DisposeAsync().ConfigureAwait(false);
        await _beats.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _http.Dispose();
        _service.Dispose();
        _stop.Dispose();
    }

    private async Task JoinAsync(CancellationToken cancellation)
    {
        _link = new(_http, _options, _options.WorkerAddress ?? Address.ToString().TrimEnd('/'), () => _service.Status, Logger);
        _service.Changed = () => _link.ChangedAsync(_stop.Token);
        if (!_options.Register)
            return;
        try
        {
            await _link.RegisterAsync(cancellation).ConfigureAwait(false);
        }
        catch (ServingException exception) when (!_options.Quirks.HeartBeatsBlock)
        {
            Logger.LogError("Not registered yet: {Reason}", exception.Message);
        }
        _beats = Task.Run(() => _link.RunAsync(_stop.Token), CancellationToken.None);
    }
}
