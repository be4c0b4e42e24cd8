using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>A worker whose tokens come slowly, as in the recording.</summary>
internal sealed class SlowBackend(IWorkerBackend inner, TimeSpan delay) : IWorkerBackend
{
    public IReadOnlyList<string> ModelNames => inner.ModelNames;

    public async IAsyncEnumerable<string> AnswerAsync(JsonNode? request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var text in inner.AnswerAsync(request, cancellation).ConfigureAwait(false))
        {
            await Task.Delay(delay, cancellation).ConfigureAwait(false);
            yield return text;
        }
    }
}

/// <summary>A worker that never draws, as in the recording.</summary>
internal sealed class GreedyBackend(IWorkerBackend inner) : IWorkerBackend
{
    public IReadOnlyList<string> ModelNames => inner.ModelNames;

    public IAsyncEnumerable<string> AnswerAsync(JsonNode? request, CancellationToken cancellation)
    {
        request!["temperature"] = 0.0;
        return inner.AnswerAsync(request, cancellation);
    }
}
