using LlavaSharp.Serving.Web;
using LlavaSharp.Web.Chat;

namespace LlavaSharp.Web.Hosting;

/// <summary>What all tabs of a server share. Safe for concurrent use.</summary>
internal sealed class PageState : IDisposable
{
    private readonly Lock _lock = new();
    private WebConversations? _server;
    private int _openPages;

    /// <summary>What stands behind the page, made when it is first asked for: where the controller listens is known only then.</summary>
    public WebConversations Server
    {
        get
        {
            lock (_lock)
                return _server ??= Create!();
        }
    }

    /// <summary>Makes <see cref="Server"/>.</summary>
    public Func<WebConversations>? Create { private get; set; }

    /// <summary>Whether the page is shown inside another one.</summary>
    public bool Embed { get; init; }

    /// <summary>How many tabs look at the list of models.</summary>
    public int OpenPages => Volatile.Read(ref _openPages);

    /// <summary>A tab opened.</summary>
    public ChatBoard Open(string client)
    {
        Interlocked.Increment(ref _openPages);
        return new(Server, client);
    }

    /// <summary>A tab closed.</summary>
    public void Close(ChatBoard board)
    {
        Interlocked.Decrement(ref _openPages);
        board.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _server?.Dispose();
}
