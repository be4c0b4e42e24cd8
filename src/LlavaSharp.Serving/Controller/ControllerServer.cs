using System.Text.Json.Nodes;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Protocol;
using LlavaSharp.Serving.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
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
    private readonly HttpClient _http;
    private readonly ControllerOptions _options;
    private readonly WorkerRegistry _registry;
    private readonly WorkerClient _client;
    private readonly WorkerDirectory _directory;

    private ControllerServer(ControllerOptions options, Action<ILoggingBuilder>? logging)
    {
        _options = options;
        _registry = new(options.DispatchMethod, options.Clock, options.Random);
        // no proxy: workers are neighbours; the patience of the client is the only limit
        _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
        _client = new(_http, options.WorkerPatience, options.Clock);
        _host = ServerHost.Create("controller", options.Host, options.Port, options.MaxBodyBytes, logging, services => services.AddSingleton(_registry).AddSingleton(options.Clock).AddHostedService<ExpirySweep>());
        _directory = new(_registry, _client, _host.App.Logger);
        if (options.WorkerSecret is null && !_host.IsLoopback)
            _host.App.Logger.LogWarning("ANYBODY who reaches {Host}:{Port} can offer models and read what users ask. Give a secret to controller and workers (--worker-secret-file), or listen at localhost only.", options.Host, options.Port);
        AccessLog.Use(_host.App);
        FastApiReplies.Use(_host.App);
        _host.App.UseRouting();
        Map();
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
        _http.Dispose();
    }

    private void Map()
    {
        Post("/register_worker", async context =>
        {
            if (await IsRefusedAsync(context).ConfigureAwait(false))
                return;
            var (json, _) = await FastApiReplies.ReadAsync(context).ConfigureAwait(false);
            var (address, checkHeartBeat) = (ProtocolJson.Text(json, "worker_name"), ProtocolJson.Flag(json, "check_heart_beat"));
            var status = json["worker_status"] switch
            {
                null or JsonObject { Count: 0 } => null,
                JsonObject said => WorkerStatus.Read(said),
                _ => throw new ProtocolException("'worker_status' is no object."),
            };
            await _directory.RegisterAsync(address, checkHeartBeat, status, context.RequestAborted).ConfigureAwait(false);
            await FastApiReplies.WriteJsonAsync(context, null).ConfigureAwait(false);
        });
        Post("/refresh_all_workers", async context =>
        {
            await _directory.RefreshAsync(context.RequestAborted).ConfigureAwait(false);
            await FastApiReplies.WriteJsonAsync(context, null).ConfigureAwait(false);
        });
        Post("/list_models", context =>
            FastApiReplies.WriteJsonAsync(context, new JsonObject { ["models"] = new JsonArray([.. _registry.Models.Select(name => (JsonNode)name)]) }));
        Post("/get_worker_address", async context =>
        {
            var (json, _) = await FastApiReplies.ReadAsync(context).ConfigureAwait(false);
            await FastApiReplies.WriteJsonAsync(context, new JsonObject { ["address"] = _registry.Choose(ProtocolJson.Text(json, "model")) ?? "" }).ConfigureAwait(false);
        });
        Post("/receive_heart_beat", async context =>
        {
            if (await IsRefusedAsync(context).ConfigureAwait(false))
                return;
            var (json, _) = await FastApiReplies.ReadAsync(context).ConfigureAwait(false);
            var known = _registry.HeartBeat(ProtocolJson.Text(json, "worker_name"), ProtocolJson.Number(json, "queue_length"));
            await FastApiReplies.WriteJsonAsync(context, new JsonObject { ["exist"] = known }).ConfigureAwait(false);
        });
        Post("/worker_get_status", async context =>
            await FastApiReplies.WriteJsonAsync(context, (await _directory.StatusAsync(context.RequestAborted).ConfigureAwait(false)).ToJson()).ConfigureAwait(false));
        Post("/worker_generate_stream", RelayAsync);

        void Post(string path, RequestDelegate handler) => _host.App.MapPost(path, handler);
    }

    // who may offer models
    private async Task<bool> IsRefusedAsync(HttpContext context)
    {
        if (WorkerSecret.Knows(context, _options.WorkerSecret))
            return false;
        _host.App.Logger.LogWarning("Refused {Path} from {Client}: it does not know the secret", context.Request.Path, context.Connection.RemoteIpAddress);
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        await FastApiReplies.WriteJsonAsync(context, new JsonObject { ["detail"] = "Unauthorized" }).ConfigureAwait(false);
        return true;
    }

    private async Task RelayAsync(HttpContext context)
    {
        var (json, body) = await FastApiReplies.ReadAsync(context).ConfigureAwait(false);
        var model = ProtocolJson.Text(json, "model");
        if (_registry.Choose(model) is not { } worker)
        {
            _host.App.Logger.LogInformation("no worker: {Model}", model);
            await SendAsync(StreamFrame.Error(StreamFrame.NoWorker).ToBytes()).ConfigureAwait(false);
            if (_options.SecondErrorFrame)
                await SendAsync(StreamFrame.Error(StreamFrame.WorkerUnreachable).ToBytes()).ConfigureAwait(false);
            return;
        }
        try
        {
            await foreach (var frame in _client.GenerateAsync(worker, body, context.RequestAborted).ConfigureAwait(false))
                await SendAsync([.. frame, 0]).ConfigureAwait(false);
        }
        catch (WorkerException exception)
        {
            _host.App.Logger.LogInformation("worker timeout: {Worker}: {Reason}", worker, exception.Message);
            await SendAsync(StreamFrame.Error(StreamFrame.WorkerUnreachable).ToBytes()).ConfigureAwait(false);
        }

        async Task SendAsync(byte[] bytes)
        {
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
    }
}
