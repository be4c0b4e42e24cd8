using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;

namespace LlavaSharp.Serving.Protocol;

/// <summary>Speaks to workers.</summary>
/// <param name="http">What sends; without a time limit of its own.</param>
/// <param name="patience">So long a worker may be silent.</param>
/// <param name="clock">What measures it.</param>
/// <param name="userAgent">What it says it is when it lets a worker generate; null: nothing.</param>
internal sealed class WorkerClient(HttpClient http, TimeSpan patience, TimeProvider clock, string? userAgent = null)
{
    private const int Piece = 16 * 1024;            // bytes read at once
    private const int MostStatusBytes = 1 << 20;

    /// <summary>Asks a worker what it offers.</summary>
    /// <exception cref="WorkerException">It cannot be asked.</exception>
    public async Task<WorkerStatus> StatusAsync(string address, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Url(address, "/worker_get_status"));
        using var limit = new Silence(patience, clock, cancellation);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
                throw new WorkerException($"The worker at {address} answered {(int)response.StatusCode} when it was asked for its status.");
            await response.Content.LoadIntoBufferAsync(MostStatusBytes, limit.Token).ConfigureAwait(false);
            return WorkerStatus.Read(ProtocolJson.Object(await response.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false)));
        }
        catch (Exception exception) when (Explain(limit, exception, address) is { } explained)
        {
            throw explained;
        }
    }

    /// <summary>Lets a worker generate, and passes its frames on, without their zero bytes.</summary>
    /// <param name="address">The worker.</param>
    /// <param name="body">The request, as it came.</param>
    /// <param name="cancellation">Ends the worker's work, too.</param>
    /// <exception cref="WorkerException">It cannot be reached or falls silent.</exception>
    public async IAsyncEnumerable<byte[]> GenerateAsync(string address, byte[] body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var request = new HttpRequestMessage(HttpMethod.Post, Url(address, "/worker_generate_stream")) { Content = content };
        if (userAgent is not null)
            request.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        using var limit = new Silence(patience, clock, cancellation);
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (Explain(limit, exception, address) is { } explained)
        {
            throw explained;
        }
        // whatever the status: an error's body goes the way of the frames, as in the original
        using (response)
        {
            var splitter = new FrameSplitter();
            var buffer = new byte[Piece];
            while (true)
            {
                int count;
                IReadOnlyList<byte[]> frames;
                try
                {
                    limit.Restart();
                    var stream = await response.Content.ReadAsStreamAsync(limit.Token).ConfigureAwait(false);
                    count = await stream.ReadAsync(buffer, limit.Token).ConfigureAwait(false);
                    frames = splitter.Add(buffer.AsSpan(0, count));
                }
                catch (Exception exception) when (Explain(limit, exception, address) is { } explained)
                {
                    throw explained;
                }
                foreach (var frame in frames)
                    yield return frame;
                if (count == 0)
                    break;
            }
            if (splitter.Finish() is { } rest)
                yield return rest;
        }
    }

    private static Uri Url(string address, string path) => Uri.TryCreate(address.TrimEnd('/') + path, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
        ? url : throw new WorkerException($"'{address}' is no address of a worker: it must begin with http:// or https://.");

    // null: the error is somebody else's, or the caller has given up
    private static WorkerException? Explain(Silence silence, Exception exception, string address) => exception switch
    {
        OperationCanceledException when !silence.IsGivenUp => new($"The worker at {address} was silent for {silence.Patience.TotalSeconds:0} seconds.", exception, WorkerProblem.Silent),
        HttpRequestException or IOException => new($"The worker at {address} cannot be reached: {exception.Message}", exception),
        ProtocolException => new($"The worker at {address} does not follow the protocol: {exception.Message}", exception, WorkerProblem.Garbled),
        _ => null,
    };
}
