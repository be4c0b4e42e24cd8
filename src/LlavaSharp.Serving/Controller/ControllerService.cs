using System.Text.Json.Nodes;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Protocol;
using LlavaSharp.Serving.Security;
using LlavaSharp.Serving.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Controller;

/// <summary>What a controller does, wherever it listens.</summary>
internal sealed class ControllerService : IDisposable
{
    private readonly ControllerOptions _options;
    private readonly ILogger _logger;
    private readonly HttpClient _http;
    private readonly WorkerRegistry _registry;
    private readonly WorkerClient _client;
    private readonly WorkerDirectory _directory;

    /// <summary>Prepares; nothing is asked yet.</summary>
    /// <param name="options">How.</param>
    /// <param name="registry">The workers.</param>
    /// <param name="logger">Where it is told.</param>
    public ControllerService(ControllerOptions options, WorkerRegistry registry, ILogger logger)
    {
        (_options, _registry, _logger) = (options, registry, logger);
        // no proxy: workers are neighbours; the patience of the client is the only limit
        _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
        _client = new(_http, options.WorkerPatience, options.Clock);
        _directory = new(_registry, _client, logger) { Local = address => address == Local?.Address ? Local.Value.Worker.Status : null };
    }

    /// <summary>The worker in the same process, which is asked without a way over the network; null: there is none.</summary>
    public (string Address, WorkerService Worker)? Local { get; private set; }

    /// <summary>Takes a worker in the same process in.</summary>
    /// <param name="address">Where both listen.</param>
    /// <param name="worker">The worker.</param>
    public void Join(string address, WorkerService worker)
    {
        Local = (address, worker);
        _registry.Register(address, checkHeartBeat: false, worker.Status);
        worker.Changed = () =>
        {
            _registry.HeartBeat(address, worker.QueueLength);
            return Task.CompletedTask;
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>Maps the endpoints.</summary>
    public void Map(IEndpointRouteBuilder app)
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
            FastApiReplies.WriteJsonAsync(context, WorkerStatus.WithTemplates(new() { ["models"] = new JsonArray([.. _registry.Models.Select(name => (JsonNode)name)]) }, _registry.Templates)));
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

        void Post(string path, RequestDelegate handler) => app.MapPost(path, handler);
    }

    // who may offer models
    private async Task<bool> IsRefusedAsync(HttpContext context)
    {
        if (WorkerSecret.Knows(context, _options.WorkerSecret))
            return false;
        _logger.LogWarning("Refused {Path} from {Client}: it does not know the secret", context.Request.Path, context.Connection.RemoteIpAddress);
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
            _logger.LogInformation("no worker: {Model}", model);
            await SendAsync(StreamFrame.Error(StreamFrame.NoWorker).ToBytes()).ConfigureAwait(false);
            if (_options.SecondErrorFrame)
                await SendAsync(StreamFrame.Error(StreamFrame.WorkerUnreachable).ToBytes()).ConfigureAwait(false);
            return;
        }
        if (worker == Local?.Address)
        {
            await Local.Value.Worker.AnswerAsync(context, json).ConfigureAwait(false);
            return;
        }
        try
        {
            await foreach (var frame in _client.GenerateAsync(worker, body, context.RequestAborted).ConfigureAwait(false))
                await SendAsync([.. frame, 0]).ConfigureAwait(false);
        }
        catch (WorkerException exception)
        {
            _logger.LogInformation("worker timeout: {Worker}: {Reason}", worker, exception.Message);
            await SendAsync(StreamFrame.Error(StreamFrame.WorkerUnreachable).ToBytes()).ConfigureAwait(false);
        }

        async Task SendAsync(byte[] bytes)
        {
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
    }
}
