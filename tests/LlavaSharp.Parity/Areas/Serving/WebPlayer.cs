using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.IO;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Web;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Plays the recorded events of the web server, one after the other, and compares what comes of each.</summary>
/// <param name="server">Our web server.</param>
/// <param name="requests">What it sends.</param>
/// <param name="addresses">Our addresses, and those of the recording that they stand for.</param>
/// <param name="client">The browser's address.</param>
/// <param name="picture">The path of a recorded picture.</param>
internal sealed class WebPlayer(WebConversations server, RecordingHandler requests, IReadOnlyDictionary<string, string> addresses, string client, Func<string, string> picture)
{
    private readonly Dictionary<string, long> _read = [];
    private WebConversation _conversation = server.Open(client);

    /// <summary>Plays one.</summary>
    public async Task PlayAsync(JsonElement row, Comparison c)
    {
        var arguments = row.GetProperty("arguments");
        switch (row.GetProperty("event").GetString())
        {
            case "add_text":
                c.Fields(row, "event", "arguments", "returns", "requests", "log_lines");
                c.Fields(arguments, "text", "image", "image_process_mode");
                await AddTextAsync(row, arguments, c).ConfigureAwait(false);
                break;
            case "http_bot":
                c.Fields(row, "event", "arguments", "yields_total", "yields", "error", "requests", "log_lines");
                c.Fields(arguments, "model_selector", "temperature", "top_p", "max_new_tokens");
                await GenerateAsync(row, arguments, c).ConfigureAwait(false);
                return;
            case "regenerate":
                c.Fields(row, "event", "arguments", "returns", "requests", "log_lines");
                Compare(row, _conversation.Regenerate(arguments.GetProperty("image_process_mode").GetString()!), c);
                break;
            case "clear_history":
                c.Fields(row, "event", "arguments", "returns", "requests", "log_lines");
                Compare(row, _conversation.Clear(), c);
                break;
            case "upvote" or "downvote" or "flag":
                c.Fields(row, "event", "arguments", "returns", "requests", "log_lines");
                Vote(row, arguments, c);
                break;
            default:
                c.Fail($"no check knows the event '{row.GetProperty("event").GetString()}'");
                return;
        }
        CompareOutside(row, c);
    }

    private async Task AddTextAsync(JsonElement row, JsonElement arguments, Comparison c)
    {
        var image = arguments.GetProperty("image").GetString();
        var state = row.GetProperty("returns").GetProperty("state");
        var turns = (state.GetProperty("messages").GetArrayLength() - state.GetProperty("offset").GetInt32()) / 2;
        // where the recording began anew, it does not say so
        if (image is null && turns - (state.GetProperty("skip_next").GetBoolean() ? 0 : 1) != _conversation.State.Turns.Count)
            _conversation = server.Open(client);
        WebPicture[] pictures = image is null ? [] : [WebPicture.Read(await File.ReadAllBytesAsync(picture(image)).ConfigureAwait(false), image)];
        Compare(row, await _conversation.AddTextAsync(arguments.GetProperty("text").GetString()!, pictures, arguments.GetProperty("image_process_mode").GetString()!).ConfigureAwait(false), c);
    }

    private async Task GenerateAsync(JsonElement row, JsonElement arguments, Comparison c)
    {
        var yields = row.GetProperty("yields").EnumerateArray().ToArray();
        var complete = !yields.Any(item => item.TryGetProperty("left_out", out _));
        var failed = row.TryGetProperty("error", out var error) && error.ValueKind != JsonValueKind.Null;
        var wanted = new List<string>();
        foreach (var item in yields.TakeWhile(item => !item.TryGetProperty("left_out", out _)))
        {
            c.Fields(item, "state", "chatbot", "buttons");
            Add(wanted, Show(item, full: false));
        }
        var states = new List<string>();
        await foreach (var state in _conversation.AnswerAsync(new(arguments.GetProperty("model_selector").GetString()!)
        {
            Temperature = arguments.GetProperty("temperature").GetDouble(),
            TopP = arguments.GetProperty("top_p").GetDouble(),
            MaxNewTokens = arguments.GetProperty("max_new_tokens").GetDouble(),
        }).ConfigureAwait(false))
        {
            if (state.HasNothingToAnswer)
                server.Options.Clock.GetUtcNow();   // the original looks although it has nothing to do
            Add(states, Show(state, _conversation.GetConversation(), full: false));
            if (!complete && states.Count == wanted.Count)
                _conversation.Stop();
        }
        if (!complete)
            server.Options.Clock.GetUtcNow();   // the look at the end that was left out
        // what the original does behind an error of its own is nobody's measure, nor is what was left out
        c.Equal("last answer of the conversation", _conversation.GetConversation().Messages.LastOrDefault()?.Text, _conversation.State.Turns.LastOrDefault()?.Answer);
        c.Sequence("states", wanted, complete && !failed ? states : states.Take(wanted.Count));
        CompareRequests(row, c);
        var lines = LogLines();
        if (complete && !failed)
            c.Sequence("log_lines", row.GetProperty("log_lines").EnumerateArray().Select(line => $"{line.GetProperty("file")}: {line.GetProperty("line")}"), lines);

        static void Add(List<string> list, string state)
        {
            if (list.Count == 0 || list[^1] != state)
                list.Add(state);
        }
    }

    private void Vote(JsonElement row, JsonElement arguments, Comparison c)
    {
        c.Fields(arguments, "model_selector");
        var kind = row.GetProperty("event").GetString() switch { "upvote" => WebVote.Up, "downvote" => WebVote.Down, _ => WebVote.Flag };
        var state = _conversation.Vote(kind, arguments.GetProperty("model_selector").GetString()!);
        var wanted = row.GetProperty("returns");
        c.Fields(wanted, "textbox", "buttons_upvote_downvote_flag");
        c.Equal("textbox", wanted.GetProperty("textbox").GetString(), state.TextBox);
        c.Sequence("buttons", wanted.GetProperty("buttons_upvote_downvote_flag").EnumerateArray().Select(button => button.GetString()!), Names(state.Buttons).Take(3));
        c.Sequence("other buttons", ["unchanged", "unchanged"], Names(state.Buttons).Skip(3));
    }

    private void Compare(JsonElement row, WebState state, Comparison c)
    {
        var wanted = row.GetProperty("returns");
        c.Fields(wanted, "state", "chatbot", "textbox", "imagebox", "buttons");
        c.Equal("state", Show(wanted, full: true), Show(state, _conversation.GetConversation(), full: true));
        c.Equal("textbox", wanted.GetProperty("textbox").GetString(), state.TextBox);
        c.Equal("imagebox is cleared", wanted.GetProperty("imagebox").ValueKind == JsonValueKind.Null, state.ClearsPictures);
    }

    private void CompareOutside(JsonElement row, Comparison c)
    {
        CompareRequests(row, c);
        c.Sequence("log_lines", row.GetProperty("log_lines").EnumerateArray().Select(line => $"{line.GetProperty("file")}: {line.GetProperty("line")}"), LogLines());
    }

    private void CompareRequests(JsonElement row, Comparison c)
    {
        var sent = requests.Take().Where(request => !request.Url.Contains("/moderations", StringComparison.Ordinal)).ToArray();
        var wanted = row.GetProperty("requests").EnumerateArray().ToArray();
        c.Sequence("requests", wanted.Select(request => request.GetProperty("url").GetString()), sent.Select(request => Map(request.Url)));
        foreach (var (request, received) in wanted.Zip(sent))
        {
            c.Fields(request, "url", "headers", "json", "stream", "timeout");
            c.Equal("method", "POST", received.Method);
            if (request.GetProperty("headers") is { ValueKind: JsonValueKind.Object } headers)
                c.Equal("user-agent", headers.GetProperty("User-Agent").GetString(), received.UserAgent);
            if (request.GetProperty("timeout") is { ValueKind: JsonValueKind.Number } timeout)
                c.Equal("timeout", timeout.GetDouble(), server.Options.WorkerPatience.TotalSeconds);
            if (received.Body.Length == 0)
            {
                c.Equal("json", JsonValueKind.Null, request.GetProperty("json").ValueKind);
                continue;
            }
            c.Equal("content-type", "application/json", received.ContentType);
            var json = JsonNode.Parse(received.Body)!.AsObject();
            if (json["images"] is JsonArray images)
                json["images"] = new JsonArray([.. images.Select(image => DescribePng(Convert.FromBase64String(image!.GetValue<string>())))]);
            c.Equal("json", PythonJson.Dump(JsonNode.Parse(request.GetProperty("json").GetRawText())), PythonJson.Dump(json));
        }
    }

    private string Map(string url) => addresses.Aggregate(url, (mapped, pair) => mapped.Replace(pair.Key, pair.Value, StringComparison.Ordinal));

    // the lines that came since this was asked last
    private string[] LogLines()
    {
        var lines = new List<string>();
        if (!Directory.Exists(server.Options.LogFolder))
            return [];
        foreach (var path in Directory.EnumerateFiles(server.Options.LogFolder).Order(StringComparer.Ordinal))
        {
            using var file = File.OpenRead(path);
            file.Position = _read.GetValueOrDefault(path);
            using var reader = new StreamReader(file);
            var text = reader.ReadToEnd();
            _read[path] = file.Length;
            if (text.Length > 0)
                lines.AddRange(text[..^1].Split('\n').Select(line => $"{Path.GetFileName(path)}: {line}"));
        }
        return [.. lines];
    }

    private static string Show(JsonElement wanted, bool full)
    {
        var state = JsonNode.Parse(wanted.GetProperty("state").GetRawText())!.AsObject();
        var shown = new JsonObject();
        foreach (var key in full ? ["system", "roles", "offset", "sep_style", "sep", "sep2", "version", "skip_next", "messages"] : (string[])["version", "skip_next", "messages"])
        {
            shown[key] = state[key]?.DeepClone();
            state.Remove(key);
        }
        foreach (var (key, _) in state)
            shown[$"no check knows {key}"] = true;
        shown["chatbot"] = new JsonArray([.. wanted.GetProperty("chatbot").EnumerateArray().Select(pair => (JsonNode)new JsonArray(BehindPicture(pair[0].GetString()), pair[1].GetString()))]);
        shown["buttons"] = string.Join(' ', wanted.GetProperty("buttons").EnumerateArray());
        return PythonJson.Dump(shown);
    }

    private static string Show(WebState state, Conversation conversation, bool full)
    {
        var shown = new JsonObject();
        if (full)
        {
            shown["system"] = conversation.System;
            shown["roles"] = new JsonArray([.. conversation.Roles.Select(role => (JsonNode)role)]);
            shown["offset"] = conversation.Offset;
            shown["sep_style"] = SeparatorStyles.ToName(conversation.SeparatorStyle);
            shown["sep"] = conversation.Separator;
            shown["sep2"] = conversation.Separator2;
        }
        shown["version"] = conversation.Version;
        shown["skip_next"] = conversation.SkipNext;
        // the conversation may be further than this state: its answers are the state's
        shown["messages"] = new JsonArray([.. conversation.Messages.Select((message, i) => (JsonNode)new JsonArray(
            message.Role, i < conversation.Offset || i % 2 == 0 ? Content(message) : state.Turns[(i - conversation.Offset) / 2].Answer))]);
        shown["chatbot"] = new JsonArray([.. state.Turns.Select(turn => (JsonNode)new JsonArray(turn.Question, turn.Answer))]);
        shown["buttons"] = string.Join(' ', Names(state.Buttons));
        return PythonJson.Dump(shown);
    }

    private static JsonNode? Content(Message message) => message.Image is null ? message.Text : new JsonObject
    {
        ["text"] = message.Text,
        ["image"] = Describe(message.Image.IsGray ? "L" : "RGB", message.Image.Width, message.Image.Height, message.Image.StoredPixels()),
        ["image_process_mode"] = message.ImageProcessMode,
    };

    private static JsonNode DescribePng(byte[] file)
    {
        var image = ImageDecoder.Decode(file, null, null);
        return new JsonObject { ["png"] = Describe(image.ModeName, image.Width, image.Height, image.Data), ["format"] = file.AsSpan(1).StartsWith("PNG\r\n"u8) ? "PNG" : "?" };
    }

    private static JsonObject Describe(string mode, int width, int height, byte[] pixels) => new()
    {
        ["mode"] = mode,
        ["size"] = new JsonArray(width, height),
        ["md5_of_pixels"] = Convert.ToHexStringLower(MD5.HashData(pixels)),
    };

    // the element that shows the picture is information
    private static string? BehindPicture(string? text) =>
        text is not null && text.StartsWith("<img ", StringComparison.Ordinal) ? text[(text.IndexOf("/>", StringComparison.Ordinal) + 2)..] : text;

    private static string[] Names(WebButtons buttons) =>
        [.. new[] { buttons.Upvote, buttons.Downvote, buttons.Flag, buttons.Regenerate, buttons.Clear }.Select(button => button.ToString().ToLower(CultureInfo.InvariantCulture))];
}
