using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.IO;
using LlavaSharp.Prompts;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Web;

/// <summary>
/// The records of answers and votes, one JSON object a line in <c>YYYY-MM-DD-conv.json</c>, and the pictures in <c>serve_images/YYYY-MM-DD/</c>, as the original
/// writes them. A disk that is full or gone never stops a conversation. Safe for concurrent use.
/// </summary>
public sealed class ConversationLog
{
    private readonly Lock _lock = new();
    private readonly WebServerOptions _options;
    private readonly ILogger _logger;
    private string? _problem;

    internal ConversationLog(WebServerOptions options, ILogger logger) => (_options, _logger) = (options, logger);

    /// <summary>Why the last record or picture could not be written; null: it could.</summary>
    public string? Problem
    {
        get
        {
            lock (_lock)
                return _problem;
        }
    }

    private DateOnly Today => _options.Today?.Invoke() ?? DateOnly.FromDateTime(_options.Clock.GetLocalNow().DateTime);

    /// <summary>Records an answer.</summary>
    internal void AddChat(string model, DateTimeOffset start, DateTimeOffset finish, Conversation state, IEnumerable<string> pictures, string client) => Append(new()
    {
        ["tstamp"] = Seconds(finish),
        ["type"] = "chat",
        ["model"] = model,
        ["start"] = Seconds(start),
        ["finish"] = Seconds(finish),
        ["state"] = state.ToDictionary(),
        ["images"] = new JsonArray([.. pictures.Select(hash => (JsonNode)hash)]),
        ["ip"] = client,
    });

    /// <summary>Records a vote.</summary>
    internal void AddVote(WebVote vote, string model, DateTimeOffset now, Conversation state, string client) => Append(new()
    {
        ["tstamp"] = Seconds(now),
        ["type"] = vote.ToRecordName(),
        ["model"] = model,
        ["state"] = state.ToDictionary(),
        ["ip"] = client,
    });

    /// <summary>Keeps a picture as <c>serve_images/YYYY-MM-DD/MD5.jpg</c>, unless it is there.</summary>
    internal void AddPicture(PreparedPicture picture)
    {
        if (_options.LogFolder is not { } folder)
            return;
        var path = Path.Combine(folder, "serve_images", Date(), $"{picture.Hash}.jpg");
        Try(() =>
        {
            if (!File.Exists(path))
                AtomicFile.WriteBytes(path, picture.Image.EncodeJpeg());
        });
    }

    private string Date() => Today.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private void Append(JsonObject record)
    {
        if (_options.LogFolder is not { } folder)
            return;
        var path = Path.Combine(folder, $"{Date()}-conv.json");
        var line = Encoding.UTF8.GetBytes(PythonJson.Dump(record) + "\n");
        Try(() =>
        {
            Directory.CreateDirectory(Path.GetFullPath(folder));
            using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var before = file.CanSeek ? file.Length : -1;
            try
            {
                file.Write(line);
            }
            catch (IOException) when (before >= 0)
            {
                file.SetLength(before);   // half a record would spoil the next one, too
                throw;
            }
        });
    }

    private void Try(Action write)
    {
        lock (_lock)
            try
            {
                write();
                _problem = null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or LlavaException)
            {
                // told once, not with every record
                if (_problem is null)
                    _logger.LogError("The conversation log in '{Folder}' cannot be written: {Reason} Conversations go on without it.", _options.LogFolder, exception.Message);
                _problem = exception.Message;
            }
    }

    // Python's round(time, 4)
    private static double Seconds(DateTimeOffset time) => (double)Math.Round((decimal)(time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerSecond, 4);
}
