using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Serving.Sglang;

/// <summary>Answers a worker's requests with an SGLang back end, as the original's <c>llava.serve.sglang_worker</c>.</summary>
public sealed class SglangBackend : IWorkerBackend
{
    private readonly ISglangRuntime _runtime;

    private SglangBackend(ISglangRuntime runtime, string name) => (_runtime, ModelNames) = (runtime, [name]);

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelNames { get; }

    /// <summary>Asks the back end which model it has.</summary>
    /// <param name="runtime">The back end.</param>
    /// <param name="name">The model's name in the protocol; null: the end of the path that the back end says.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ServingException">The back end cannot be asked.</exception>
    public static async Task<SglangBackend> CreateAsync(ISglangRuntime runtime, string? name = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        return new(runtime, name ?? (await runtime.GetModelPathAsync(cancellation).ConfigureAwait(false)).TrimEnd('/').Split('/')[^1]);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> AnswerAsync(JsonNode? request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var asked = WorkerRequest.Read(request);
        var parts = asked.Pictures.Count > 0 ? await Task.Run(() => Split(asked), cancellation).ConfigureAwait(false) : [new(asked.Prompt, null)];
        var text = asked.Prompt;
        await foreach (var piece in _runtime.RunAsync(new(parts, asked.MaxNewTokens, asked.Temperature, asked.TopP), cancellation).ConfigureAwait(false))
            yield return text += piece;
    }

    // the back end puts its own blanks around pictures
    private static List<SglangProgram.Part> Split(WorkerRequest asked)
    {
        var pictures = asked.DecodePictures();
        var texts = asked.Prompt.Replace($" {WorkerRequest.Marker}\n", WorkerRequest.Marker, StringComparison.Ordinal).Split(WorkerRequest.Marker);
        var parts = new List<SglangProgram.Part> { new(texts[0], null) };
        for (var i = 0; i < pictures.Count; i++)
        {
            parts.Add(new(null, pictures[i]));
            parts.Add(new(texts[i + 1], null));
        }
        return parts;
    }
}
