using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Serving.Protocol;

namespace LlavaSharp.Serving.Workers;

/// <summary>Answers a worker's requests with a model in this process; each of its adapters is a model of its own, by its name.</summary>
/// <param name="engine">What answers: a model, one request after the other, or a batching engine, many at once.</param>
/// <param name="name">The model's name in the protocol.</param>
/// <param name="quirks">Which faults of the original are reproduced.</param>
public sealed class EngineBackend(IGenerationEngine engine, string name, WorkerQuirks? quirks = null) : IWorkerBackend
{
    private readonly WorkerQuirks _quirks = quirks ?? WorkerQuirks.Mended;

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelNames { get; } = [name, .. engine.Model.Adapters];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Templates => engine.Model.Checkpoint.Config?.ConversationTemplate is { } template
        ? ModelNames.ToDictionary(model => model, _ => template, StringComparer.Ordinal) : System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;

    // Q25: the name decides
    private bool Sees => _quirks.NameDecidesSight ? name.Contains("llava", StringComparison.OrdinalIgnoreCase) : engine.Model.SeesImages;

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> AnswerAsync(JsonNode? request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var asked = WorkerRequest.Read(request);
        var adapter = Adapter(asked.Model);
        IReadOnlyList<Image> pictures = asked.Pictures.Count > 0 && Sees ? await Task.Run(asked.DecodePictures, cancellation).ConfigureAwait(false) : [];
        var prompt = pictures.Count > 0 ? asked.Prompt.Replace(WorkerRequest.Marker, engine.Model.ImageMarker, StringComparison.Ordinal) : asked.Prompt;
        if (pictures.Count == 0 && asked.Markers > 0 && _quirks.DeadThreadSilence > TimeSpan.Zero)
            await Task.Delay(_quirks.DeadThreadSilence, cancellation).ConfigureAwait(false);
        var limit = Room(prompt, pictures.Count, asked.MaxNewTokens);
        if (limit < 1)
        {
            yield return asked.Prompt + WorkerRequest.TooLong;
            yield break;
        }
        if (_quirks.StopIsCutOnly && asked.Stop is null)
            throw new GenerationException("The request has no 'stop' (Q18).");
        var generation = new GenerationRequest
        {
            Prompt = prompt,
            Images = pictures,
            Adapter = adapter,
            Options = new()
            {
                Temperature = asked.DoSample ? asked.Temperature : 0,
                TopP = asked.DoSample ? asked.TopP : null,
                MaxNewTokens = limit,
                StopStrings = _quirks.StopIsCutOnly || string.IsNullOrEmpty(asked.Stop) ? [] : [asked.Stop],
            },
        };
        var text = asked.Prompt;
        await using var updates = engine.GenerateAsync(generation, cancellation).GetAsyncEnumerator(cancellation);
        while (true)
        {
            var isTooLong = false;
            try
            {
                if (!await updates.MoveNextAsync().ConfigureAwait(false))
                    yield break;
            }
            catch (ContextLengthException)
            {
                isTooLong = true;
            }
            if (isTooLong)
            {
                yield return asked.Prompt + WorkerRequest.TooLong;
                yield break;
            }
            text += updates.Current.Text;
            if (_quirks.StopIsCutOnly && text.EndsWith(asked.Stop!, StringComparison.Ordinal))
                text = asked.Stop!.Length == 0 ? "" : text[..^asked.Stop.Length];   // Python's text[:-0] is empty
            yield return text;
        }
    }

    // a worker without adapters answers whatever name is asked for, as the original's does
    private string? Adapter(string? asked)
    {
        if (asked is null || asked == name || engine.Model.Adapters.Count == 0)
            return null;
        return engine.Model.Adapters.Contains(asked) ? asked : throw new ProtocolException($"The worker has no model '{asked}'. There are: {string.Join(", ", ModelNames)}.");
    }

    // what is left of the context for the answer; by default the engine itself knows how many positions pictures take
    private int Room(string prompt, int pictures, int wanted) => _quirks.FixedPictureTokens
        ? Math.Min(wanted, engine.Model.ContextLength - engine.Model.EncodePrompt(prompt, pictures).Length - (pictures * (engine.Model.Checkpoint.Network.Tower is { } tower ? tower.PatchesPerSide * tower.PatchesPerSide : 0)))
        : wanted;
}
