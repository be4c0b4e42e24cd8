using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LlavaSharp.Trust.Garbage;

/// <summary>Asks a server for nonsense, and checks what it says to it.</summary>
internal sealed partial class GarbageClient : IDisposable
{
    private static readonly string[] _methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW", "post"];
    private static readonly string[] _headers = ["Authorization: Bearer x", "Content-Type: text/plain", "Content-Type: \u00ff", "Accept: x/y", "Content-Encoding: gzip", "Expect: 100-continue", "X-A: \u00ff\u0001", "Transfer-Encoding: x", "Connection: upgrade", "Upgrade: h2c", "Content-Length: -1", "Content-Length: 99999999999999999999", "Host: a", "Range: bytes=0-", "Cookie: " + new string('c', 3000), "X-Llava-Worker-Secret: x", "no colon", ": empty", "traceparent: 00-0-0-0"];

    private readonly Uri _address;
    private readonly Random _random;
    private readonly JsonMutator _mutator;
    private readonly (string Method, string Path, JsonNode? Body)[] _endpoints;
    private readonly HttpClient _http;

    public GarbageClient(Uri address, (string Method, string Path, string? Body)[] endpoints, int seed)
    {
        (_address, _random) = (address, new(seed));
        _mutator = new(_random);
        _endpoints = [.. endpoints.Select(endpoint => (endpoint.Method, endpoint.Path, string.IsNullOrEmpty(endpoint.Body) ? null : JsonNode.Parse(endpoint.Body)))];
        _http = new() { BaseAddress = address, Timeout = TimeSpan.FromMinutes(1) };
    }

    /// <summary>How often each status was the answer; 0: none.</summary>
    public SortedDictionary<int, int> Statuses { get; } = [];

    /// <summary>Asks once.</summary>
    public async Task AskAsync()
    {
        var (method, path, body) = _endpoints[_random.Next(_endpoints.Length)];
        var bytes = body is null && _random.Next(4) > 0 ? [] : _mutator.Mutate(body);
        if (_random.Next(12) == 0)
            method = _methods[_random.Next(_methods.Length)];
        if (_random.Next(12) == 0)
            path = path.Insert(1 + _random.Next(path.Length), new[] { "%00", "/", "//", "..", "?a=b", "%", "%ff", "x", "%2e%2e/" }[_random.Next(9)]);
        var (status, text) = _random.Next(5) == 0 ? await AskRawAsync(method, path, bytes) : await AskAsync(method, path, bytes);
        Statuses[status] = Statuses.GetValueOrDefault(status) + 1;
        var asked = $"{method} {path} {Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 2000)))}\n-> {status} {text[..Math.Min(text.Length, 1000)]}";
        // the original's framework answers what is no request in this protocol so; 505 is a version of HTTP that is none
        Assert.True(status < 500 || status == 505 || (status == 500 && text.EndsWith("Internal Server Error", StringComparison.Ordinal) && !path.StartsWith("/v1", StringComparison.Ordinal) && !path.StartsWith("/api", StringComparison.Ordinal)), asked);
        Assert.False(Trace().IsMatch(text), asked);
    }

    public void Dispose() => _http.Dispose();

    private async Task<(int, string)> AskAsync(string method, string path, byte[] bytes)
    {
        using var request = new HttpRequestMessage(new(method), new Uri($"{_address.ToString().TrimEnd('/')}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        if (bytes.Length > 0 && method is not ("GET" or "HEAD" or "TRACE"))
            request.Content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        try
        {
            using var reply = await _http.SendAsync(request, TrustMode.Cancellation);
            return ((int)reply.StatusCode, await reply.Content.ReadAsStringAsync(TrustMode.Cancellation));
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError is HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse)
        {
            return (0, "");   // the server closed it, as it may where it did not read the whole request
        }
    }

    // what no client library sends
    private async Task<(int, string)> AskRawAsync(string method, string path, byte[] bytes)
    {
        var head = new StringBuilder($"{method} {path} {(_random.Next(20) == 0 ? "HTTP/9.9" : "HTTP/1.1")}\r\n");
        if (_random.Next(20) > 0)
            head.Append("Host: a\r\n");
        for (var i = _random.Next(4); i > 0; i--)
            head.Append(_headers[_random.Next(_headers.Length)]).Append(_random.Next(10) == 0 ? "\n" : "\r\n");
        var said = _random.Next(6) switch { 0 => bytes.Length + 1 + _random.Next(100), 1 => Math.Max(0, bytes.Length - 3), _ => bytes.Length };
        head.Append(_random.Next(6) == 0 ? "Transfer-Encoding: chunked\r\n" : $"Content-Length: {said}\r\n").Append("Connection: close\r\n\r\n");
        // what was promised and does not come is waited for; so long, then the client goes away
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TrustMode.Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(0.15));
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, _address.Port, TrustMode.Cancellation);
        var stream = client.GetStream();
        var text = new StringBuilder();
        try
        {
            var all = (byte[])[.. Encoding.Latin1.GetBytes(head.ToString()), .. bytes];
            await stream.WriteAsync(all.AsMemory(0, _random.Next(8) == 0 ? _random.Next(all.Length) : all.Length), TrustMode.Cancellation);
            var buffer = new byte[8192];
            while (await stream.ReadAsync(buffer, limit.Token) is > 0 and var count)
                text.Append(Encoding.UTF8.GetString(buffer, 0, count));
        }
        catch (Exception exception) when (exception is IOException or SocketException || (exception is OperationCanceledException && !TrustMode.Cancellation.IsCancellationRequested))
        {
            // closed in the middle of what it did not want to read
        }
        var reply = text.ToString().Replace("HTTP/1.1 100 Continue\r\n\r\n", "", StringComparison.Ordinal);
        return (reply.Length > 12 && int.TryParse(reply.AsSpan(9, 3), out var status) ? status : 0, reply);
    }

    [GeneratedRegex(@"Exception\b|\n\s+at [\w.<>]+\(|\.cs:line ")]
    private static partial Regex Trace();
}
