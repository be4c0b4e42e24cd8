using System.IO.Pipelines;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.Parity.Areas.Serving;
using LlavaSharp.Serving.Protocol;
using LlavaSharp.Serving.Web;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Tests.Web;

/// <summary>A web server before a controller and a worker that do what a test wants.</summary>
internal sealed class WebStage : IDisposable
{
    private readonly RecordingHandler _handler;

    public WebStage(Func<WebServerOptions, WebServerOptions>? change = null)
    {
        Folder = Path.Combine(Path.GetTempPath(), $"llava-web-{Guid.NewGuid():N}");
        _handler = new(AnswerAsync);
        var options = new WebServerOptions { LogFolder = Folder, StateInterval = TimeSpan.Zero };
        Server = new(change?.Invoke(options) ?? options, Messages, _handler);
        Conversation = Server.Open("192.0.2.1");
    }

    /// <summary>The log's folder.</summary>
    public string Folder { get; }

    public WebConversations Server { get; }

    /// <summary>The conversation of the first tab.</summary>
    public WebConversation Conversation { get; }

    public LogMessages Messages { get; } = new();

    /// <summary>What the controller replies; null: there is none.</summary>
    public Func<string, HttpResponseMessage>? Controller { get; set; } = path => Reply(path switch
    {
        "/get_worker_address" => "{\"address\":\"http://127.0.0.1:1\"}",
        "/list_models" => "{\"models\":[\"b\",\"a\"]}",
        _ => "null",
    });

    /// <summary>What the worker sends for a prompt; by default a frame with an answer.</summary>
    public Func<string, Stream> Worker { get; set; } = prompt => Frames(prompt, "An answer");

    /// <summary>What the moderation service replies.</summary>
    public Func<byte[], HttpResponseMessage> ModerationService { get; set; } = _ => Reply("{\"results\":[{\"flagged\":false}]}");

    /// <summary>The records so far.</summary>
    public string[] Records => Directory.Exists(Folder) ? [.. Directory.EnumerateFiles(Folder, "*-conv.json").SelectMany(File.ReadLines)] : [];

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A picture of one colour.</summary>
    public static WebPicture Picture(byte shade, int width = 6, int height = 4) => new(Image.FromRgb(width, height, [.. Enumerable.Repeat(shade, 3 * width * height)]));

    /// <summary>The stream of these texts, each one longer than the one before.</summary>
    public static Stream Frames(string prompt, params string[] texts) => new MemoryStream([.. texts.SelectMany(text => new StreamFrame(prompt + text, 0).ToBytes())]);

    public static HttpResponseMessage Reply(string text, HttpStatusCode status = HttpStatusCode.OK) => new(status) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(text)) };

    /// <summary>Makes the worker send what the test writes.</summary>
    public Pipe Pipe()
    {
        var pipe = new Pipe();
        Worker = _ => pipe.Reader.AsStream();
        return pipe;
    }

    /// <summary>Sends a message and takes its answer.</summary>
    public async Task<WebState> AskAsync(string text, IReadOnlyList<WebPicture>? pictures = null, string model = "llava-v1.5-7b")
    {
        await Conversation.AddTextAsync(text, pictures, cancellation: Cancellation);
        return await AnswerAsync(model);
    }

    /// <summary>Takes the answer.</summary>
    public async Task<WebState> AnswerAsync(string model = "llava-v1.5-7b")
    {
        WebState? last = null;
        await foreach (var state in Conversation.AnswerAsync(new(model), Cancellation))
            last = state;
        return last!;
    }

    /// <summary>The bodies that the worker was sent since this was asked last.</summary>
    public JsonObject[] Asked() => [.. _handler.Take().Where(request => request.Url.EndsWith("/worker_generate_stream", StringComparison.Ordinal)).Select(request => JsonNode.Parse(request.Body)!.AsObject())];

    public void Dispose()
    {
        Server.Dispose();
        _handler.Dispose();
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
    }

    private Task<HttpResponseMessage> AnswerAsync(HttpRequestMessage request, byte[] body, CancellationToken cancellation) => Task.FromResult(request.RequestUri!.AbsolutePath switch
    {
        "/worker_generate_stream" => new HttpResponseMessage { Content = new StreamContent(Worker(JsonNode.Parse(body)!["prompt"]!.GetValue<string>())) },
        "/v1/moderations" => ModerationService(body),
        var path => Controller?.Invoke(path) ?? throw new HttpRequestException("Connection refused"),
    });

    /// <summary>What was logged.</summary>
    internal sealed class LogMessages : ILogger
    {
        private readonly List<(LogLevel Level, string Text)> _messages = [];

        public IReadOnlyList<string> Errors
        {
            get
            {
                lock (_messages)
                    return [.. _messages.Where(message => message.Level >= LogLevel.Error).Select(message => message.Text)];
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_messages)
                _messages.Add((logLevel, formatter(state, exception)));
        }
    }
}
