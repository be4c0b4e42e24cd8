using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using LlavaSharp.IO;
using LlavaSharp.Serving.Protocol;
using LlavaSharp.Serving.Security;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Workers;

/// <summary>Keeps a worker known to its controller: registers it, and tells how many requests it has.</summary>
/// <param name="http">What sends; without a time limit of its own.</param>
/// <param name="options">How.</param>
/// <param name="address">The address under which the worker registers.</param>
/// <param name="status">What the worker says of itself.</param>
/// <param name="logger">Where it is told.</param>
internal sealed class ControllerLink(HttpClient http, WorkerOptions options, string address, Func<WorkerStatus> status, ILogger logger)
{
    private const int MostBytes = 1 << 20;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(5);   // the original's, between attempts

    // several changes of the queue need one heartbeat
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private bool _isRegistered;
    private bool _wasReached = true;

    /// <summary>Registers the worker.</summary>
    /// <exception cref="ServingException">The controller cannot be reached, or refuses.</exception>
    public async Task RegisterAsync(CancellationToken cancellation)
    {
        logger.LogInformation("Register to controller");
        await PostAsync("/register_worker", new() { ["worker_name"] = address, ["check_heart_beat"] = true, ["worker_status"] = status().ToJson() }, cancellation).ConfigureAwait(false);
        _isRegistered = true;
    }

    /// <summary>The queue changed. By default the controller is told beside the answer; with Q21 the answer waits.</summary>
    public Task ChangedAsync(CancellationToken cancellation)
    {
        if (options.Quirks.HeartBeatsBlock)
            return BeatForeverAsync(cancellation);
        if (options.Register)
            _changes.Writer.TryWrite(true);
        return Task.CompletedTask;
    }

    /// <summary>Sends heartbeats until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            if (options.Quirks.HeartBeatsBlock)
            {
                await Task.Delay(options.HeartBeatInterval, options.Clock, cancellation).ConfigureAwait(false);
                await BeatForeverAsync(cancellation).ConfigureAwait(false);
                continue;
            }
            await WaitAsync(cancellation).ConfigureAwait(false);
            await TryBeatAsync(cancellation).ConfigureAwait(false);
        }
    }

    // until the queue changes, or the time is over
    private async Task WaitAsync(CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(options.HeartBeatInterval, options.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            await _changes.Reader.ReadAsync(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // time for a heartbeat
        }
    }

    private async Task<bool> TryBeatAsync(CancellationToken cancellation)
    {
        try
        {
            if (!_isRegistered)
                await RegisterAsync(cancellation).ConfigureAwait(false);
            else if (!await BeatAsync(cancellation).ConfigureAwait(false))
                await RegisterAsync(cancellation).ConfigureAwait(false);
            if (!_wasReached)
                logger.LogInformation("The controller is reached again: {Controller}", options.ControllerAddress);
            return _wasReached = true;
        }
        catch (ServingException exception)
        {
            if (_wasReached || options.Quirks.HeartBeatsBlock)
                logger.LogError("heart beat error: {Reason}", exception.Message);
            return _wasReached = false;
        }
    }

    private async Task BeatForeverAsync(CancellationToken cancellation)
    {
        while (!await TryBeatAsync(cancellation).ConfigureAwait(false))
            await Task.Delay(_pause, options.Clock, cancellation).ConfigureAwait(false);
    }

    private async Task<bool> BeatAsync(CancellationToken cancellation)
    {
        var queue = status().QueueLength;
        logger.LogInformation("Send heart beat. Models: {Models}. Queue length: {Length}", status().ModelNames, queue);
        var reply = await PostAsync("/receive_heart_beat", new() { ["worker_name"] = address, ["queue_length"] = ProtocolJson.Number(queue) }, cancellation).ConfigureAwait(false);
        try
        {
            return ProtocolJson.Flag(ProtocolJson.Object(reply), "exist");
        }
        catch (ProtocolException exception)
        {
            throw new ServingException($"What listens at {options.ControllerAddress} is no controller: {exception.Message} Check --controller-address.", exception);
        }
    }

    private async Task<byte[]> PostAsync(string path, JsonObject json, CancellationToken cancellation)
    {
        var url = options.ControllerAddress.TrimEnd('/') + path;
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(PythonJson.Dump(json))) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var timer = new CancellationTokenSource(options.ControllerPatience, options.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = content };
            if (options.WorkerSecret is { } secret)
                request.Headers.TryAddWithoutValidation(WorkerSecret.Header, secret);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, linked.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.Unauthorized)
                throw new ServingException($"The controller at {options.ControllerAddress} wants workers to know its secret. Give the same file to both (--worker-secret-file).");
            if (response.StatusCode != HttpStatusCode.OK)
                throw new ServingException($"The controller at {options.ControllerAddress} answered {(int)response.StatusCode} to {path}. Check --controller-address.");
            await response.Content.LoadIntoBufferAsync(MostBytes, linked.Token).ConfigureAwait(false);
            return await response.Content.ReadAsByteArrayAsync(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            throw new ServingException($"The controller at {options.ControllerAddress} did not answer within {options.ControllerPatience.TotalSeconds:0} seconds.", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or UriFormatException)
        {
            throw new ServingException($"The controller at {options.ControllerAddress} cannot be reached: {exception.Message} Check that it runs (llava controller), and --controller-address.", exception);
        }
    }
}
