using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Protocol;

namespace LlavaSharp.Serving.Upstream;

/// <summary>Reads the stream of a completion: server-sent events, each a JSON object with a piece of the answer, and <c>[DONE]</c> at the end.</summary>
internal static class UpstreamEvents
{
    /// <summary>More than any piece needs.</summary>
    public const int MostEventBytes = 4 << 20;

    private const string Done = "[DONE]";

    /// <summary>The pieces of the answer.</summary>
    /// <param name="stream">The reply's body.</param>
    /// <param name="isChat">Whether the pieces are those of <c>/v1/chat/completions</c>.</param>
    /// <param name="heard">Called when an event came.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="UpstreamException">It is no such stream, has an error in it, or ends in the middle.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public static async IAsyncEnumerable<string> ReadAsync(Stream stream, bool isChat, Action heard, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var bounded = new BoundedStream(stream, MostEventBytes);
        var isFinished = false;
        await foreach (var item in SseParser.Create(bounded).EnumerateAsync(cancellation).ConfigureAwait(false))
        {
            bounded.Restart();
            heard();
            if (item.Data == Done)
                yield break;
            if (item.Data.Length == 0)
                continue;   // only there to keep the connection
            var (text, finished) = Read(item.Data, isChat);
            isFinished |= finished;
            if (text.Length > 0)
                yield return text;
        }
        // some servers leave the last event out, but say with the last piece that it is the last
        if (!isFinished)
            throw new UpstreamException(UpstreamProblem.CutOff, "The upstream ended its answer in the middle.");
    }

    private static (string Text, bool IsFinished) Read(string data, bool isChat)
    {
        try
        {
            var json = ProtocolJson.Object(Encoding.UTF8.GetBytes(data));
            if (json["error"] is { } error)
                throw UpstreamErrors.Of(error);
            var choices = json["choices"] as JsonArray ?? throw new ProtocolException("'choices' is missing or no list.");
            if (choices.Count == 0)
                return ("", false);   // counts tokens only
            var choice = choices[0] as JsonObject ?? throw new ProtocolException("A choice is no object.");
            var holder = isChat ? choice["delta"] switch
            {
                null => [],
                JsonObject delta => delta,
                _ => throw new ProtocolException("'delta' is no object."),
            } : choice;
            var text = holder[isChat ? "content" : "text"] is { } piece ? ProtocolJson.Text(piece, isChat ? "content" : "text") : "";
            return (text, choice["finish_reason"] is not null);
        }
        catch (ProtocolException exception)
        {
            throw new UpstreamException(UpstreamProblem.Garbled, $"The upstream does not speak OpenAI's interface: {exception.Message} Check --upstream.", null, exception);
        }
    }
}
