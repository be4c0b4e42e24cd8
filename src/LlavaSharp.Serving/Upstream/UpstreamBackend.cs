using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Serving.Upstream;

/// <summary>
/// Answers a worker's requests with a server of OpenAI's interface, such as one whose model lies on several GPUs: a prompt without pictures as it is, by
/// <c>/v1/completions</c>; one with pictures, which that cannot take, as messages by <c>/v1/chat/completions</c>.
/// </summary>
public sealed class UpstreamBackend : IWorkerBackend
{
    private readonly UpstreamClient _client;
    private readonly string _model;
    private readonly string _template;

    private UpstreamBackend(UpstreamClient client, string model, IReadOnlyList<string> names, string template) => (_client, _model, ModelNames, _template) = (client, model, names, template);

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelNames { get; }

    /// <summary>Asks the upstream which models it has.</summary>
    /// <param name="client">The upstream; it must outlive the backend.</param>
    /// <param name="options">How it is asked.</param>
    /// <param name="names">The names of the model in the protocol; null: the upstream's.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ServingException">The upstream cannot be asked, or has no model or not the one that is wanted.</exception>
    /// <exception cref="UnknownNameException">There is no such template.</exception>
    public static async Task<UpstreamBackend> CreateAsync(UpstreamClient client, UpstreamOptions options, IReadOnlyList<string>? names = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Template is { } named)
            _ = ConversationTemplates.Get(named);
        IReadOnlyList<string> models;
        try
        {
            models = await client.ModelsAsync(cancellation).ConfigureAwait(false);
        }
        catch (UpstreamException exception)
        {
            throw new ServingException(exception.Message, exception);
        }
        if (models.Count == 0)
            throw new ServingException($"The upstream at {client.Address} has no model.");
        if (options.Model is { } wanted && !models.Contains(wanted, StringComparer.Ordinal))
            throw new ServingException($"The upstream at {client.Address} has no model '{wanted}' (--upstream-model). It has: {string.Join(", ", models)}.");
        var model = options.Model ?? models[0];
        names = names is { Count: > 0 } ? names : [model];
        return new(client, model, names, options.Template ?? ConversationTemplates.InferNameForWeb(names[0]));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> AnswerAsync(JsonNode? request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var asked = WorkerRequest.Read(request);
        var isTooLong = asked.MaxNewTokens < 1;
        if (!isTooLong)
        {
            var isChat = asked.Pictures.Count > 0;
            var body = isChat ? await Task.Run(() => Chat(asked), cancellation).ConfigureAwait(false) : Completion(asked);
            var text = asked.Prompt;
            await using var pieces = _client.AnswerAsync(isChat, body, cancellation).GetAsyncEnumerator(cancellation);
            while (!isTooLong)
            {
                try
                {
                    if (!await pieces.MoveNextAsync().ConfigureAwait(false))
                        yield break;
                }
                catch (UpstreamException exception) when (exception.Problem == UpstreamProblem.TooLong)
                {
                    isTooLong = true;
                }
                if (!isTooLong)
                    yield return text += pieces.Current;
            }
        }
        yield return asked.Prompt + WorkerRequest.TooLong;
    }

    private JsonObject Completion(WorkerRequest asked)
    {
        var body = Sampling(asked);
        body["prompt"] = asked.Prompt;
        return body;
    }

    // pictures are decoded here and sent as PNG: what is no picture is refused before the upstream sees it, and both see the same pixels
    private JsonObject Chat(WorkerRequest asked)
    {
        var body = Sampling(asked);
        body["messages"] = UpstreamMessages.Read(asked.Prompt, asked.DecodePictures(), _template);
        return body;
    }

    private JsonObject Sampling(WorkerRequest asked)
    {
        var body = new JsonObject { ["model"] = _model, ["max_tokens"] = asked.MaxNewTokens, ["temperature"] = asked.DoSample ? asked.Temperature : 0 };
        if (asked.DoSample)
            body["top_p"] = asked.TopP;
        if (!string.IsNullOrEmpty(asked.Stop))
            body["stop"] = asked.Stop;
        return body;
    }
}
