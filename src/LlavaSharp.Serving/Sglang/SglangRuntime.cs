using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.IO;
using LlavaSharp.Serving.Protocol;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Serving.Sglang;

/// <summary>An SGLang server, over its own protocol: <c>GET /get_model_info</c>, and <c>POST /generate</c>, which answers in server-sent events.</summary>
public sealed class SglangRuntime : ISglangRuntime, IDisposable
{
    private const int MostBytes = 1 << 20;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly string _endpoint;

    /// <summary>Names it; nothing is asked yet.</summary>
    /// <param name="endpoint">Where it listens, such as <c>http://127.0.0.1:30000</c>.</param>
    /// <exception cref="ServingException">That is no address.</exception>
    public SglangRuntime(string endpoint)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new ServingException($"'{endpoint}' is no address of an SGLang server: it must begin with http:// or https:// (--sgl-endpoint).");
        _endpoint = endpoint.TrimEnd('/');
    }

    /// <inheritdoc/>
    public async Task<string> GetModelPathAsync(CancellationToken cancellation)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(_patience);
        try
        {
            using var response = await _http.GetAsync($"{_endpoint}/get_model_info", HttpCompletionOption.ResponseHeadersRead, timer.Token).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
                throw new ServingException($"The SGLang server at {_endpoint} answered {(int)response.StatusCode} when it was asked for its model.");
            await response.Content.LoadIntoBufferAsync(MostBytes, timer.Token).ConfigureAwait(false);
            return ProtocolJson.Text(ProtocolJson.Object(await response.Content.ReadAsByteArrayAsync(timer.Token).ConfigureAwait(false)), "model_path");
        }
        catch (Exception exception) when (Explain(exception, cancellation) is { } explained)
        {
            throw explained;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> RunAsync(SglangProgram program, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(program);
        var pictures = new JsonArray([.. program.Parts.Where(part => part.Picture is not null).Select(part => (JsonNode)Convert.ToBase64String(part.Picture!.EncodePng()))]);
        var json = new JsonObject
        {
            ["text"] = string.Concat(program.Parts.Select(part => part.Text ?? WorkerRequest.Marker)),
            ["sampling_params"] = new JsonObject { ["max_new_tokens"] = program.MaxTokens, ["temperature"] = program.Temperature, ["top_p"] = program.TopP },
            ["stream"] = true,
        };
        if (pictures.Count > 0)
            json["image_data"] = pictures;
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(PythonJson.Dump(json))) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_endpoint}/generate") { Content = content };
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (Explain(exception, cancellation) is { } explained)
        {
            throw explained;
        }
        using (response)
        {
            if (response.StatusCode != HttpStatusCode.OK)
                throw new ServingException($"The SGLang server at {_endpoint} answered {(int)response.StatusCode} to a request for generation.");
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            await using var events = SseParser.Create(stream).EnumerateAsync(cancellation).GetAsyncEnumerator(cancellation);
            var text = "";
            while (true)
            {
                string next;
                try
                {
                    if (!await events.MoveNextAsync().ConfigureAwait(false) || events.Current.Data == "[DONE]")
                        yield break;
                    next = Text(events.Current.Data);
                }
                catch (Exception exception) when (Explain(exception, cancellation) is { } explained)
                {
                    throw explained;
                }
                // each event has all that was said so far
                if (!next.StartsWith(text, StringComparison.Ordinal))
                    throw new ServingException($"The SGLang server at {_endpoint} took back what it had said.");
                yield return next[text.Length..];
                text = next;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private string Text(string data)
    {
        var json = ProtocolJson.Object(Encoding.UTF8.GetBytes(data));
        return json["error"] is { } error ? throw new ServingException($"The SGLang server at {_endpoint} failed: {error.ToJsonString()}") : ProtocolJson.Text(json, "text");
    }

    private ServingException? Explain(Exception exception, CancellationToken cancellation) => exception switch
    {
        OperationCanceledException when !cancellation.IsCancellationRequested => new($"The SGLang server at {_endpoint} did not answer within {_patience.TotalSeconds:0} seconds.", exception),
        HttpRequestException or IOException => new($"The SGLang server at {_endpoint} cannot be reached: {exception.Message} Check that it runs, and --sgl-endpoint.", exception),
        ProtocolException => new($"What listens at {_endpoint} is no SGLang server: {exception.Message} Check --sgl-endpoint.", exception),
        _ => null,
    };
}
