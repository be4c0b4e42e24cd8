using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Plays recorded requests to a server and compares its replies.</summary>
/// <param name="server">Where it listens.</param>
/// <param name="addresses">Addresses of the recording, and what stands for them here.</param>
internal sealed class Transcript(Uri server, IReadOnlyDictionary<string, string> addresses) : IDisposable
{
    // lists made from sets have no order
    private static readonly string[] _sets = ["models", "model_names"];

    private readonly HttpClient _http = new() { BaseAddress = server, Timeout = TimeSpan.FromMinutes(1) };

    /// <summary>Sends the request of a step and compares the reply.</summary>
    /// <param name="step">The step.</param>
    /// <param name="c">What compares.</param>
    /// <param name="rule">How the frames of a stream are compared.</param>
    public async Task PlayAsync(JsonElement step, Comparison c, FrameRule rule = FrameRule.Exact)
    {
        using var request = Request(step.GetProperty("request"));
        using var reply = await _http.SendAsync(request).ConfigureAwait(false);
        var body = await reply.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
        var wanted = step.GetProperty("response");
        c.Equal("status", wanted.GetProperty("status").GetInt32(), (int)reply.StatusCode);
        var headers = wanted.GetProperty("headers");
        if (headers.TryGetProperty("content-type", out var type))
            c.Equal("content-type", type.GetString(), reply.Content.Headers.ContentType?.ToString());
        if (headers.TryGetProperty("allow", out var allowed))
            c.Equal("allow", allowed.GetString(), string.Join(", ", reply.Content.Headers.Allow));
        var expected = Encoding.UTF8.GetBytes(Map(Encoding.UTF8.GetString(wanted.GetProperty("body_base64").GetBytesFromBase64())));
        if (wanted.TryGetProperty("frames", out _))
            CompareFrames(expected, body, rule, c);
        else
            c.Equal("body", Ordered(expected), Ordered(body));
    }

    /// <summary>Sends JSON and returns the reply's.</summary>
    public async Task<JsonNode?> AskAsync(string path, string? json = null)
    {
        using var content = json is null ? null : new StringContent(Map(json), Encoding.UTF8, "application/json");
        using var reply = await _http.PostAsync(path, content).ConfigureAwait(false);
        return JsonNode.Parse(await reply.Content.ReadAsStringAsync().ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(JsonElement recorded)
    {
        var request = new HttpRequestMessage(new(recorded.GetProperty("method").GetString()!), recorded.GetProperty("path").GetString());
        var body = recorded.TryGetProperty("json", out var json) ? json.GetRawText() : recorded.GetProperty("body").GetString()!;
        if (body.Length > 0)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Map(body)));
        foreach (var header in recorded.GetProperty("headers").EnumerateObject())
            if (header.Name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase) && request.Content is not null)
                request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(header.Value.GetString()!);
        return request;
    }

    private string Map(string text) => addresses.Aggregate(text, (mapped, pair) => mapped.Replace(pair.Key, pair.Value, StringComparison.Ordinal));

    private static void CompareFrames(byte[] expected, byte[] body, FrameRule rule, Comparison c)
    {
        if (rule == FrameRule.Exact)
        {
            c.Sequence("frames", Frames(expected), Frames(body));
            return;
        }
        c.Equal("end of the stream", "", Frames(body).Last());
        var (wanted, said) = (Parse(expected), Parse(body));
        c.Sequence("error codes", Codes(wanted), Codes(said));
        if (rule == FrameRule.Last)
            c.Equal("last frame", wanted[^1].ToJsonString(), said[^1].ToJsonString());

        static JsonObject[] Parse(byte[] bytes) => [.. Frames(bytes).Where(frame => frame.Length > 0).Select(frame => JsonNode.Parse(frame)!.AsObject())];

        // one frame or many: how often a code is said depends on how the text was cut
        static IEnumerable<int> Codes(JsonObject[] frames) => frames.Select(frame => frame["error_code"]!.GetValue<int>()).Distinct();
    }

    private static IEnumerable<string> Frames(byte[] body) => Encoding.UTF8.GetString(body).Split('\0');

    private static string Ordered(byte[] body)
    {
        var text = Encoding.UTF8.GetString(body);
        if (!text.StartsWith('{'))
            return text;
        var json = JsonNode.Parse(text)!.AsObject();
        foreach (var key in _sets)
            if (json[key] is JsonArray set)
            {
                // the same bytes in another order: what stands around the names is compared as it came
                string[] names = [.. set.Select(name => name!.ToJsonString())];
                foreach (var name in names)
                    text = text.Replace(name, "?", StringComparison.Ordinal);
                text += string.Join(' ', names.Order(StringComparer.Ordinal));
            }
        return text;
    }
}
