using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.Serving;
using LlavaSharp.Serving.Web;

namespace LlavaSharp.Web.Chat;

/// <summary>A conversation as the browser keeps it: an object with turns, which name their pictures, and the pictures by name, as PNG files in data URIs.</summary>
/// <param name="Id">Its name in the history.</param>
/// <param name="Time">When it was kept.</param>
/// <param name="Lanes">One, or two that were compared.</param>
public sealed record SavedConversation(string Id, DateTimeOffset Time, IReadOnlyList<SavedLane> Lanes)
{
    private const int Version = 1;
    private const int TitleLength = 60;
    private const int MostTurns = 1000;
    private const string PngUri = "data:image/png;base64,";

    /// <summary>The beginning of the first message.</summary>
    public string Title
    {
        get
        {
            var text = Lanes[0].Turns[0].Question.ReplaceLineEndings(" ");
            return text.Length <= TitleLength ? text.Length > 0 ? text : "…" : text[..(char.IsHighSurrogate(text[TitleLength - 1]) ? TitleLength - 1 : TitleLength)] + "…";
        }
    }

    /// <summary>The conversation without its pictures.</summary>
    public string ToJson() => new JsonObject
    {
        ["version"] = Version,
        ["id"] = Id,
        ["time"] = Time.ToUnixTimeMilliseconds(),
        ["title"] = Title,
        ["pictures"] = new JsonArray([.. Pictures().Select(picture => (JsonNode)picture.Key)]),
        ["lanes"] = new JsonArray([.. Lanes.Select(lane => new JsonObject
        {
            ["model"] = lane.Model,
            ["turns"] = new JsonArray([.. lane.Turns.Select(turn => new JsonObject
            {
                ["text"] = turn.Text,
                ["announced"] = turn.IsAnnounced,
                ["answer"] = turn.Answer,
                ["model"] = turn.Model,
                ["pictures"] = new JsonArray([.. turn.Pictures.Select(picture => (JsonNode)picture.Keep(turn.ImageProcessMode).Key)]),
            })]),
        })]),
    }.ToJsonString();

    /// <summary>The pictures by name.</summary>
    public IReadOnlyDictionary<string, string> Pictures()
    {
        var pictures = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (picture, mode) in Lanes.SelectMany(lane => lane.Turns).SelectMany(turn => turn.Pictures.Select(picture => (picture, turn.ImageProcessMode))))
        {
            var (key, uri) = picture.Keep(mode);
            pictures[key] = uri;
        }
        return pictures;
    }

    /// <summary>Reads what a browser kept: <c>{"conversation": ..., "pictures": {...}}</c>. Anything may be in it.</summary>
    /// <exception cref="ServingException">It is no such conversation.</exception>
    public static SavedConversation Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var root = JsonSerializer.Deserialize<JsonElement>(json);
            var conversation = root.GetProperty("conversation");
            if (conversation.GetProperty("version").GetInt32() != Version)
                throw new ServingException("It was kept by another version of this page.");
            var pictures = new Dictionary<string, WebPicture>(StringComparer.Ordinal);
            var saved = new SavedConversation(
                Text(conversation, "id"),
                DateTimeOffset.FromUnixTimeMilliseconds(conversation.GetProperty("time").GetInt64()),
                [.. conversation.GetProperty("lanes").EnumerateArray().Select(lane => new SavedLane(Text(lane, "model"), ReadTurns(lane, name => Picture(root, pictures, name))))]);
            return saved.Lanes.Count is 1 or 2 && saved.Lanes.All(lane => lane.Turns.Count is > 0 and <= MostTurns) ? saved : throw new ServingException("It has no messages, or too many.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException or OverflowException)
        {
            throw new ServingException("It is damaged.", exception);
        }
        catch (ImageException exception)
        {
            throw new ServingException($"A picture of it is damaged: {exception.Message}", exception);
        }
    }

    // pictures were made fit when they were kept
    private static IReadOnlyList<WebSavedTurn> ReadTurns(JsonElement lane, Func<string, WebPicture> picture) => [.. lane.GetProperty("turns").EnumerateArray().Select(turn => new WebSavedTurn(
        Text(turn, "text"),
        [.. turn.GetProperty("pictures").EnumerateArray().Select(name => picture(name.GetString() ?? throw new FormatException()))],
        "Default",
        turn.GetProperty("announced").GetBoolean(),
        turn.GetProperty("answer").GetString(),
        turn.GetProperty("model").GetString()))];

    private static WebPicture Picture(JsonElement root, Dictionary<string, WebPicture> known, string name)
    {
        if (known.TryGetValue(name, out var picture))
            return picture;
        var uri = Text(root.GetProperty("pictures"), name);
        if (!uri.StartsWith(PngUri, StringComparison.Ordinal))
            throw new FormatException();
        return known[name] = WebPicture.Read(Convert.FromBase64String(uri[PngUri.Length..]));
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? throw new FormatException();
}
