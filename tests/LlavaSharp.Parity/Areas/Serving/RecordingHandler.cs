using System.Collections.Concurrent;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Remembers what is sent.</summary>
/// <param name="answer">Answers in the network's place; null: the network.</param>
internal sealed class RecordingHandler(Func<HttpRequestMessage, byte[], CancellationToken, Task<HttpResponseMessage>>? answer = null) : DelegatingHandler(new SocketsHttpHandler { UseProxy = false })
{
    private readonly ConcurrentQueue<SentRequest> _sent = new();

    /// <summary>What was sent since this was asked last.</summary>
    public IReadOnlyList<SentRequest> Take()
    {
        var taken = new List<SentRequest>();
        while (_sent.TryDequeue(out var request))
            taken.Add(request);
        return taken;
    }

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        _sent.Enqueue(new(
            request.Method.Method, request.RequestUri!.OriginalString, string.Join(' ', request.Headers.UserAgent), request.Headers.Authorization?.ToString(), request.Content?.Headers.ContentType?.ToString(), body));
        return answer is null ? await base.SendAsync(request, cancellationToken).ConfigureAwait(false) : await answer(request, body, cancellationToken).ConfigureAwait(false);
    }
}
