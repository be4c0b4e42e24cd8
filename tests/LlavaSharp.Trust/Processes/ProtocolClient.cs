using System.Text;
using System.Text.Json.Nodes;

namespace LlavaSharp.Trust.Processes;

/// <summary>Speaks the original's protocol.</summary>
internal sealed class ProtocolClient(Uri address) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = address, Timeout = TimeSpan.FromMinutes(2) };

    /// <summary>A request whose answer goes on to the limit: the embedded model falls into a loop of it.</summary>
    public static string LongRequest(string model = "tiny") => Request(model, string.Join(' ', Enumerable.Repeat("3", 100)), 1024);

    public static string ShortRequest(string model = "tiny") => Request(model, "USER: Tell a story. ASSISTANT:", 3);

    /// <summary>The names of the models, in order; null: nobody answers.</summary>
    public async Task<string?> ModelsAsync()
    {
        try
        {
            return string.Join(',', JsonNode.Parse(await PostAsync("/list_models", ""))!["models"]!.AsArray().Select(name => name!.GetValue<string>()).Order(StringComparer.Ordinal));
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public async Task<string> WorkerOfAsync(string model) => JsonNode.Parse(await PostAsync("/get_worker_address", $"{{\"model\":\"{model}\"}}"))!["address"]!.GetValue<string>();

    /// <summary>The frames of an answer.</summary>
    /// <param name="request">The request.</param>
    /// <param name="begun">Called when the first frame is there.</param>
    public async Task<IReadOnlyList<(string Text, int Code)>> AskAsync(string request, Func<Task>? begun = null)
    {
        using var content = new StringContent(request);
        using var message = new HttpRequestMessage(HttpMethod.Post, "/worker_generate_stream") { Content = content };
        using var reply = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, TrustMode.Cancellation);
        await using var stream = await reply.Content.ReadAsStreamAsync(TrustMode.Cancellation);
        var frames = new List<(string, int)>();
        var rest = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (await stream.ReadAsync(buffer, TrustMode.Cancellation) is > 0 and var count)
            for (var i = 0; i < count; i++)
            {
                if (buffer[i] != 0)
                {
                    rest.WriteByte(buffer[i]);
                    continue;
                }
                var frame = JsonNode.Parse(Encoding.UTF8.GetString(rest.ToArray()))!;
                rest.SetLength(0);
                frames.Add((frame["text"]!.GetValue<string>(), frame["error_code"]!.GetValue<int>()));
                if (frames.Count == 1 && begun is not null)
                    await begun();
            }
        Assert.Equal(0, rest.Length);   // a frame is whole or not there
        return frames;
    }

    public async Task<string> PostAsync(string path, string body)
    {
        using var content = new StringContent(body);
        using var reply = await _http.PostAsync(path, content, TrustMode.Cancellation);
        return await reply.Content.ReadAsStringAsync(TrustMode.Cancellation);
    }

    public void Dispose() => _http.Dispose();

    private static string Request(string model, string prompt, int tokens) => new JsonObject { ["model"] = model, ["prompt"] = prompt, ["temperature"] = 0, ["max_new_tokens"] = tokens }.ToJsonString();
}
