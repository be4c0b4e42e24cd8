using LlavaSharp.Generation;
using LlavaSharp.Serving.Controller;
using LlavaSharp.Serving.Ollama;
using LlavaSharp.Serving.OpenAi;
using LlavaSharp.Serving.Operations;
using LlavaSharp.Serving.Security;
using LlavaSharp.Serving.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Hosting;

/// <summary>
/// One model, and all that serves it, in one process at one port: the original's controller with a worker inside (further workers may register), and the
/// interfaces of OpenAI and Ollama, and a page for people where one is given.
/// </summary>
public sealed class LlavaServer : IAsyncDisposable
{
    private readonly ServerHost _host;
    private readonly ControllerService _controller;
    private readonly WorkerService _worker;
    private readonly AccessGate? _gate;
    private readonly OwnKeyHandler? _pageHandler;

    private LlavaServer(LlavaServerOptions options, IGenerationEngine engine, string name, Action<ILoggingBuilder>? logging)
    {
        var controllerOptions = new ControllerOptions { Host = options.Host, Port = options.Port, WorkerSecret = options.WorkerSecret, MaxBodyBytes = options.MaxBodyBytes, Clock = options.Clock };
        var registry = new WorkerRegistry(controllerOptions.DispatchMethod, controllerOptions.Clock, controllerOptions.Random);
        _host = ServerHost.Create("server", options.Host, options.Port, options.MaxBodyBytes, logging, services =>
        {
            services.AddSingleton(registry).AddSingleton(options.Clock).AddHostedService<ExpirySweep>();
            Telemetry.Add(services, options.Metrics);
            options.Page?.AddServices(services);
        });
        var now = options.Clock.GetUtcNow();
        Models.Set(new(name, engine, now));
        foreach (var adapter in engine.Model.Adapters)
            Models.Set(new(adapter, engine, now) { Adapter = adapter });
        var workerOptions = new WorkerOptions { Host = options.Host, Port = options.Port, Register = false, LimitModelConcurrency = options.LimitModelConcurrency, Quirks = options.Quirks, Clock = options.Clock };
        workerOptions.Validate();
        _worker = new(workerOptions, new EngineBackend(engine, name, options.Quirks), _host.App.Logger);
        _controller = new(controllerOptions, registry, _host.App.Logger);
        AccessLog.Use(_host.App);
        FastApiReplies.Use(_host.App);
        if (options.ApiKeys is not null || options.RequestsPerMinute is not null)
        {
            _gate = new(options.ApiKeys, options.RequestsPerMinute, options.WorkerSecret is not null, options.Page is not null, _host.App.Logger);
            _gate.Use(_host.App);
        }
        if (options.ApiKeys is null && !_host.IsLoopback)
            _host.App.Logger.LogWarning("ANYBODY who reaches {Host}:{Port} can use the model. Give keys (--api-key-file), or listen at localhost only.", options.Host, options.Port);
        if (options.Page is not null)
            _host.App.UseOllamaGreeting();   // in front of the page, which has the same path
        _host.App.UseRouting();
        _host.MapHealth();
        if (options.Metrics)
            _host.App.MapPrometheusScrapingEndpoint("/metrics");
        _controller.Map(_host.App);
        _host.App.MapOpenAi(Models, options.OpenAi);
        _host.App.MapOllama(Models, options.OpenAi, greets: options.Page is null);
        if (options.Page is not { } page)
            return;
        _pageHandler = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }, () => _host.Address, _gate?.OwnKey);
        page.Map(_host.App, () => _host.Address, _pageHandler);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => _host.Address;

    /// <summary>The models of the OpenAI-compatible interface.</summary>
    public ServedModels Models { get; } = new();

    /// <summary>Starts one.</summary>
    /// <param name="options">How.</param>
    /// <param name="engine">What answers; it must outlive the server.</param>
    /// <param name="name">The model's name; null: its own.</param>
    /// <param name="logging">Where it writes its log; null: to the console.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ServingException">An option makes no sense; or the address is in use, or no address of this machine.</exception>
    public static async Task<LlavaServer> StartAsync(
        LlavaServerOptions options, IGenerationEngine engine, string? name = null, Action<ILoggingBuilder>? logging = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(engine);
        name ??= engine.Model.Name;
        if (engine.Model.Adapters.Contains(name))
            throw new ServingException($"Model and adapter are both called '{name}'. Give one of them another name.");
        var server = new LlavaServer(options, engine, name, logging);
        try
        {
            await server._host.StartAsync(cancellation).ConfigureAwait(false);
            server._controller.Join(server.Address.ToString().TrimEnd('/'), server._worker);
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
        _controller.Dispose();
        _worker.Dispose();
        _gate?.Dispose();
        _pageHandler?.Dispose();
    }
}
