using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.IO;
using LlavaSharp.Serving.Protocol;

namespace LlavaSharp.Serving.Upstream;

/// <summary>Asks a server with OpenAI's interface: vLLM, SGLang, llama.cpp's, or <c>llava serve</c>.</summary>
public sealed class UpstreamClient : IDisposable
{
    private const int MostListBytes = 4 << 20;
    private const int MostErrorBytes = 64 << 10;

    private readonly HttpClient _http;
    private readonly UpstreamOptions _options;

    /// <summary>Names it; nothing is asked yet.</summary>
    /// <exception cref="ServingException">The address is none, or the time is not positive.</exception>
    public UpstreamClient(UpstreamOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!Uri.TryCreate(options.Address, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Query.Length > 0 || url.Fragment.Length > 0)
            throw new ServingException($"'{options.Address}' is no address of a server: it must begin with http:// or https://, such as http://127.0.0.1:8000 (--upstream).");
        if (options.Patience <= TimeSpan.Zero || options.Patience > TimeSpan.FromDays(1))
            throw new ServingException($"{options.Patience.TotalSeconds} seconds are no time to wait for the upstream: give more than 0 and at most a day (--upstream-timeout).");
        _options = options;
        Address = options.Address.TrimEnd('/');
        if (Address.EndsWith("/v1", StringComparison.Ordinal))
            Address = Address[..^"/v1".Length];
        // a redirect would carry the key elsewhere
        _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Where it listens.</summary>
    public string Address { get; }

    /// <summary>The models that it lists.</summary>
    /// <exception cref="UpstreamException">It cannot be asked, refuses, or has no such list.</exception>
    public async Task<IReadOnlyList<string>> ModelsAsync(CancellationToken cancellation)
    {
        using var silence = new Silence(_options.StartPatience, _options.Clock, cancellation);
        try
        {
            using var request = Request(HttpMethod.Get, "/v1/models");
            using var response = await SendAsync(request, silence.Token).ConfigureAwait(false);
            await response.Content.LoadIntoBufferAsync(MostListBytes, silence.Token).ConfigureAwait(false);
            var json = ProtocolJson.Object(await response.Content.ReadAsByteArrayAsync(silence.Token).ConfigureAwait(false));
            return json["data"] is JsonArray list
                ? [.. list.Select(model => ProtocolJson.Text((model as JsonObject)?["id"], "id"))] : throw new ProtocolException("'data' is missing or no list.");
        }
        catch (Exception exception) when (Explain(silence, exception, Address) is { } explained)
        {
            throw explained;
        }
    }

    /// <summary>Lets it answer.</summary>
    /// <param name="isChat">Whether the request is one for <c>/v1/chat/completions</c>; else for <c>/v1/completions</c>.</param>
    /// <param name="body">The request; that the answer is streamed is added to it.</param>
    /// <param name="cancellation">Closes the connection, by which it learns that nobody waits any more.</param>
    /// <returns>The pieces of the answer.</returns>
    /// <exception cref="UpstreamException">It cannot be reached, refuses, falls silent, breaks off, or sends something else.</exception>
    public async IAsyncEnumerable<string> AnswerAsync(bool isChat, JsonObject body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(body);
        body["stream"] = true;
        using var silence = new Silence(_options.Patience, _options.Clock, cancellation);
        using var request = Request(HttpMethod.Post, isChat ? "/v1/chat/completions" : "/v1/completions");
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(PythonJson.Dump(body))) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        request.Headers.Accept.Add(new("text/event-stream"));
        HttpResponseMessage response;
        Stream stream;
        try
        {
            response = await SendAsync(request, silence.Token).ConfigureAwait(false);
            stream = await response.Content.ReadAsStreamAsync(silence.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (Explain(silence, exception, Address) is { } explained)
        {
            throw explained;
        }
        using (response)
        {
            if (response.Content.Headers.ContentType?.MediaType is { } type && !type.Equals("text/event-stream", StringComparison.OrdinalIgnoreCase))
                throw new UpstreamException(UpstreamProblem.Garbled, $"The upstream at {Address} answered with {type} instead of a stream of events. Check --upstream.");
            await using var pieces = UpstreamEvents.ReadAsync(stream, isChat, silence.Restart, silence.Token).GetAsyncEnumerator(CancellationToken.None);
            while (true)
            {
                try
                {
                    if (!await pieces.MoveNextAsync().ConfigureAwait(false))
                        yield break;
                }
                catch (Exception exception) when (Explain(silence, exception, Address) is { } explained)
                {
                    throw explained;
                }
                yield return pieces.Current;
                silence.Restart();   // while the piece was used the upstream was not waited for
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, Address + path);
        if (_options.Key is { } key)
            request.Headers.Authorization = new("Bearer", key);
        return request;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.OK)
            return response;
        using (response)
        {
            // as much of the error as a line of the log needs
            var buffer = new byte[MostErrorBytes];
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            var count = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
            throw UpstreamErrors.Of(Address, (int)response.StatusCode, buffer.AsSpan(0, count));
        }
    }

    // null: the error says it all, or the caller has given up
    private static UpstreamException? Explain(Silence silence, Exception exception, string address) => exception switch
    {
        OperationCanceledException when !silence.IsGivenUp => new(UpstreamProblem.Silent, $"The upstream at {address} was silent for {silence.Patience.TotalSeconds:0.#} seconds (--upstream-timeout).", null, exception),
        _ when silence.IsGivenUp => null,
        HttpRequestException or IOException => new(UpstreamProblem.Unreachable, $"The upstream at {address} cannot be reached: {exception.Message.TrimEnd('.')}. Check that it runs, and --upstream.", null, exception),
        ProtocolException => new(UpstreamProblem.Garbled, $"What listens at {address} does not speak OpenAI's interface: {exception.Message} Check --upstream.", null, exception),
        _ => null,
    };
}
