using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Workers;

/// <summary>What a worker does, wherever it listens: answers requests for generation, so many at once, and knows how many wait.</summary>
/// <param name="options">How.</param>
/// <param name="backend">What answers.</param>
/// <param name="logger">Where failures are told.</param>
internal sealed class WorkerService(WorkerOptions options, IWorkerBackend backend, ILogger logger) : IDisposable
{
    private readonly WorkerSlots _slots = new(options.LimitModelConcurrency);

    /// <summary>What it says of itself.</summary>
    public WorkerStatus Status => new(backend.ModelNames, options.Speed, _slots.QueueLength) { Templates = backend.Templates };

    /// <summary>Requests that run or wait.</summary>
    public int QueueLength => _slots.QueueLength;

    /// <summary>Called when a request got its slot and when it gave it back; the request waits for it.</summary>
    public Func<Task> Changed { get; set; } = () => Task.CompletedTask;

    /// <summary>Answers a request whose body has not been read.</summary>
    /// <exception cref="ProtocolException">It is no JSON, and takes no slot.</exception>
    public async Task AnswerAsync(HttpContext context) => await AnswerAsync(context, ProtocolJson.Node((await RequestBody.ReadAsync(context).ConfigureAwait(false)).Span)).ConfigureAwait(false);

    /// <summary>Answers a request.</summary>
    public async Task AnswerAsync(HttpContext context, JsonNode? request)
    {
        await _slots.EnterAsync(context.RequestAborted).ConfigureAwait(false);
        try
        {
            await Changed().ConfigureAwait(false);
            await context.Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
            await foreach (var frame in FramesAsync(request, context.RequestAborted).ConfigureAwait(false))
            {
                await context.Response.Body.WriteAsync(frame.ToBytes(), context.RequestAborted).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            }
            // the reply is whole before the slot is free, as in the original
            await context.Response.CompleteAsync().ConfigureAwait(false);
        }
        finally
        {
            _slots.Leave();
            await Changed().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async IAsyncEnumerable<StreamFrame> FramesAsync(JsonNode? request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var texts = backend.AnswerAsync(request, cancellation).GetAsyncEnumerator(cancellation);
        while (true)
        {
            var failed = false;
            try
            {
                if (!await texts.MoveNextAsync().ConfigureAwait(false))
                    yield break;
            }
            catch (Exception exception) when (!cancellation.IsCancellationRequested)
            {
                failed = true;
                if (exception is LlavaException)
                    logger.LogWarning("Caught {Kind}: {Reason}", exception.GetType().Name, exception.Message);
                else
                    logger.LogError(exception, "Caught Unknown Error");
            }
            if (failed)
            {
                yield return StreamFrame.Error(StreamFrame.GenerationFailed);
                yield break;
            }
            yield return new(texts.Current, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();
}
