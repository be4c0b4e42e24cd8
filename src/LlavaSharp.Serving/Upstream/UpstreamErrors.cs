using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Protocol;

namespace LlavaSharp.Serving.Upstream;

/// <summary>Reads the error objects of OpenAI's interface as servers of it write them.</summary>
internal static class UpstreamErrors
{
    private const int MostQuoted = 300;   // characters of a foreign message in a line of the log

    // OpenAI's code, and the words of vLLM, SGLang and llama.cpp
    private static readonly string[] _tooLong = ["context_length_exceeded", "exceed_context_size", "maximum context length", "model's context length", "available context size"];

    /// <summary>The error that a reply with a bad status is.</summary>
    /// <param name="address">Where the server listens.</param>
    /// <param name="status">The reply's status.</param>
    /// <param name="body">The reply's body, or its beginning.</param>
    public static UpstreamException Of(string address, int status, ReadOnlySpan<byte> body)
    {
        var said = Parse(body) is { } json ? Said(json["error"] ?? json) : Encoding.UTF8.GetString(body);
        var advice = status switch
        {
            401 or 403 => " Give its key (--upstream-key-file).",
            404 => " Check --upstream and --upstream-model.",
            429 or 503 => " It has too much to do.",
            _ => "",
        };
        return new(status is 400 or 413 or 422 && IsTooLong(said) ? UpstreamProblem.TooLong : UpstreamProblem.Refused, $"The upstream at {address} answered {status}: '{Quote(said)}'.{advice}", status);
    }

    /// <summary>The error that stands in the middle of a stream.</summary>
    /// <param name="error">What stands under <c>error</c>.</param>
    public static UpstreamException Of(JsonNode error)
    {
        var said = Said(error);
        return new(IsTooLong(said) ? UpstreamProblem.TooLong : UpstreamProblem.Refused, $"The upstream gave up in the middle of its answer: '{Quote(said)}'.");
    }

    private static bool IsTooLong(string said) => _tooLong.Any(words => said.Contains(words, StringComparison.OrdinalIgnoreCase));

    private static JsonObject? Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            return ProtocolJson.Object(body);
        }
        catch (ProtocolException)
        {
            return null;   // a page of a proxy, say: it is quoted as it is
        }
    }

    private static string Said(JsonNode error) =>
        error is JsonObject json && json["message"] is { } message ? $"{json["code"]} {json["type"]} {message}".Trim() : error.ToJsonString();

    private static string Quote(string text)
    {
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(MostQuoted))
            shown.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        return shown.ToString().Trim();
    }
}
