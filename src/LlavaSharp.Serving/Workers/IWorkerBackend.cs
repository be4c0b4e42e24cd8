using System.Text.Json.Nodes;

namespace LlavaSharp.Serving.Workers;

/// <summary>What answers the requests of a worker.</summary>
public interface IWorkerBackend
{
    /// <summary>The models that it answers for.</summary>
    IReadOnlyList<string> ModelNames { get; }

    /// <summary>
    /// The conversation templates that go with models whatever their names are, by model; for web pages, which else go by the original's rules for names.
    /// </summary>
    IReadOnlyDictionary<string, string> Templates => System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Answers a request.</summary>
    /// <param name="request">The request as it came; anything may be in it.</param>
    /// <param name="cancellation">The client went away.</param>
    /// <returns>The prompt with all that was said so far behind it, again and again.</returns>
    /// <exception cref="LlavaException">The request is malformed, or generating failed.</exception>
    IAsyncEnumerable<string> AnswerAsync(JsonNode? request, CancellationToken cancellation);
}
