using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.IO;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Web;

/// <summary>Shows texts to a moderation service (OpenAI's <c>/v1/moderations</c>). Safe for concurrent use.</summary>
public sealed class Moderation
{
    /// <summary>What the user is told whose text is not wanted (the original's <c>moderation_msg</c>).</summary>
    public const string RefusalText = "YOUR INPUT VIOLATES OUR CONTENT MODERATION GUIDELINES. PLEASE TRY AGAIN.";

    private const int MostBytes = 1 << 20;

    private readonly HttpClient _http;
    private readonly WebServerOptions _options;
    private readonly ILogger _logger;

    internal Moderation(HttpClient http, WebServerOptions options, ILogger logger) => (_http, _options, _logger) = (http, options, logger);

    /// <summary>Asks the service. One that cannot be asked objects to nothing, as in the original.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<ModerationResult> CheckAsync(string text, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        var result = await AskAsync(text, cancellation).ConfigureAwait(false);
        if (result.Problem is { } problem)
            _logger.LogWarning("A text was not moderated: {Reason}", problem);
        return result;
    }

    private async Task<ModerationResult> AskAsync(string text, CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(Body(text)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var request = new HttpRequestMessage(HttpMethod.Post, _options.ModerationUrl) { Content = content };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {_options.ModerationKey}");
        using var timer = new CancellationTokenSource(_options.ModerationPatience, _options.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, linked.Token).ConfigureAwait(false);
            await response.Content.LoadIntoBufferAsync(MostBytes, linked.Token).ConfigureAwait(false);
            return Read(await response.Content.ReadAsByteArrayAsync(linked.Token).ConfigureAwait(false), (int)response.StatusCode);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new(false, $"the service did not answer within {_options.ModerationPatience.TotalSeconds:0.###} seconds");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new(false, $"the service cannot be reached: {exception.Message}");
        }
    }

    // Q23: put together from texts, without a word about quotation marks in them
    private byte[] Body(string text) => Encoding.UTF8.GetBytes(_options.Quirks.UnescapedModeration
        ? "{\"input\": \"" + text.Replace("\n", "", StringComparison.Ordinal) + "\"}"
        : PythonJson.Dump(new JsonObject { ["input"] = text }));

    private static ModerationResult Read(byte[] reply, int status)
    {
        try
        {
            return JsonNode.Parse(reply) is JsonObject json && json["results"] is JsonArray { Count: > 0 } results && results[0] is JsonObject first
                && first["flagged"] is JsonValue flagged && flagged.TryGetValue<bool>(out var isFlagged)
                ? new(isFlagged)
                : new(false, $"the service answered {status} without a verdict");
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or InvalidOperationException)
        {
            return new(false, $"the service answered {status} with something that is no JSON");
        }
    }
}
