using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Web;

/// <summary>What all conversations of a web server share: the controller's models, the log, the moderation, and how many answers run at once. One a process; safe for concurrent use.</summary>
public sealed class WebConversations : IDisposable
{
    /// <summary>Prepares; nothing is asked yet.</summary>
    /// <param name="options">How.</param>
    /// <param name="logger">Where events are told, in the original's words; null: nowhere.</param>
    /// <exception cref="ServingException">An address is none, the limit of answers is below 1, or texts are to be moderated without a key.</exception>
    public WebConversations(WebServerOptions options, ILogger? logger = null) => throw new NotImplementedException();

    /// <summary>How the server runs.</summary>
    public WebServerOptions Options => throw new NotImplementedException();

    /// <summary>The models.</summary>
    public WebModels Models => throw new NotImplementedException();

    /// <summary>The log.</summary>
    public ConversationLog Log => throw new NotImplementedException();

    /// <summary>Begins the conversation of a browser tab.</summary>
    /// <param name="clientAddress">The browser's address, for the log.</param>
    public WebConversation Open(string clientAddress) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
