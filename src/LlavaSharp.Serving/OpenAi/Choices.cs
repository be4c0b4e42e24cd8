using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LlavaSharp.Generation;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>Several answers to one prompt at once, each with its own seed.</summary>
internal static class Choices
{
    /// <summary>Generates them; updates come as they are ready.</summary>
    /// <param name="engine">What answers.</param>
    /// <param name="requests">One for each answer.</param>
    /// <param name="cancellation">Ends all.</param>
    public static async IAsyncEnumerable<(int Index, GenerationUpdate Update)> GenerateAsync(IGenerationEngine engine, IReadOnlyList<GenerationRequest> requests, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var updates = Channel.CreateUnbounded<(int, GenerationUpdate)>();
        var running = Task.WhenAll(requests.Select((request, index) => RunAsync(index, request)));
        _ = running.ContinueWith(all => updates.Writer.TryComplete(all.Exception?.InnerException), TaskScheduler.Default);
        try
        {
            await foreach (var update in updates.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                yield return update;
        }
        finally
        {
            await abandoned.CancelAsync().ConfigureAwait(false);
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task RunAsync(int index, GenerationRequest request)
        {
            try
            {
                await foreach (var update in engine.GenerateAsync(request, abandoned.Token).ConfigureAwait(false))
                    updates.Writer.TryWrite((index, update));
            }
            catch (Exception exception)
            {
                // one that fails ends the others
                updates.Writer.TryComplete(exception);
                await abandoned.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>The request for each of several answers: seeds follow each other.</summary>
    public static IReadOnlyList<GenerationRequest> Repeat(GenerationRequest request, int count) =>
        [.. Enumerable.Range(0, count).Select(i => request.Options.Seed is { } seed ? request with { Options = request.Options with { Seed = unchecked(seed + (ulong)i) } } : request)];

    /// <summary>How OpenAI calls the end of an answer.</summary>
    public static string Reason(GenerationResult result) => result.FinishReason == FinishReason.Length ? "length" : "stop";
}
