using LlavaSharp.Serving.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlavaSharp.Serving.Web;

/// <summary>What all conversations of a web server share: the controller's models, the log, the moderation, and how many answers run at once. One a process; safe for concurrent use.</summary>
public sealed class WebConversations : IDisposable
{
    private readonly HttpClient _neighbours;
    private readonly HttpClient _outside;

    /// <summary>Prepares; nothing is asked yet.</summary>
    /// <param name="options">How.</param>
    /// <param name="logger">Where events are told, in the original's words; null: nowhere.</param>
    /// <exception cref="ServingException">An address is none, the limit of answers is below 1, or texts are to be moderated without a key.</exception>
    public WebConversations(WebServerOptions options, ILogger? logger = null)
        : this(options, logger, null)
    {
    }

    /// <param name="options">How.</param>
    /// <param name="logger">Where events are told.</param>
    /// <param name="handler">What all requests go through; null: the network.</param>
    internal WebConversations(WebServerOptions options, ILogger? logger, HttpMessageHandler? handler)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!Uri.TryCreate(options.ControllerUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new ServingException($"'{options.ControllerUrl}' is no address of a controller: it must begin with http:// or https:// (--controller-url).");
        if (options.ConcurrencyCount < 1)
            throw new ServingException($"{options.ConcurrencyCount} answers at once are too few: give 1 or more (--concurrency-count).");
        if (options.Moderate && string.IsNullOrEmpty(options.ModerationKey))
            throw new ServingException("Texts cannot be moderated without a key: set the environment variable OPENAI_API_KEY, or leave --moderate out.");
        Options = options;
        Logger = logger ?? NullLogger.Instance;
        // no proxy: controller and workers are neighbours; patience is the only limit
        _neighbours = new(handler ?? new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }, disposeHandler: handler is null) { Timeout = Timeout.InfiniteTimeSpan };
        _outside = new(handler ?? new SocketsHttpHandler { AllowAutoRedirect = false }, disposeHandler: handler is null) { Timeout = Timeout.InfiniteTimeSpan };
        Controller = new(_neighbours, options.ControllerUrl, options.ControllerPatience, options.Clock);
        Workers = new(_neighbours, options.WorkerPatience, options.Clock, ProtocolTexts.UserAgent);
        Slots = new(options.ConcurrencyCount);
        Models = new(Controller, Logger);
        Moderation = new(_outside, options, Logger);
        Log = new(options, Logger);
    }

    /// <summary>How the server runs.</summary>
    public WebServerOptions Options { get; }

    /// <summary>The models.</summary>
    public WebModels Models { get; }

    /// <summary>The log.</summary>
    public ConversationLog Log { get; }

    /// <summary>The moderation; only asked where the options say so.</summary>
    public Moderation Moderation { get; }

    internal ControllerClient Controller { get; }

    internal WorkerClient Workers { get; }

    internal AnswerSlots Slots { get; }

    internal ILogger Logger { get; }

    /// <summary>Begins the conversation of a browser tab.</summary>
    /// <param name="clientAddress">The browser's address, for the log.</param>
    public WebConversation Open(string clientAddress)
    {
        ArgumentNullException.ThrowIfNull(clientAddress);
        return new(this, clientAddress);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _neighbours.Dispose();
        _outside.Dispose();
        Slots.Dispose();
    }
}
