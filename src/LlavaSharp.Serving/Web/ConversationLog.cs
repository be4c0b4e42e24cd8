namespace LlavaSharp.Serving.Web;

/// <summary>
/// The records of answers and votes, one JSON object a line in <c>YYYY-MM-DD-conv.json</c>, and the pictures in <c>serve_images/YYYY-MM-DD/</c>, as the original
/// writes them. A disk that is full or gone never stops a conversation.
/// </summary>
public sealed class ConversationLog
{
    /// <summary>Why the last record or picture could not be written; null: it could.</summary>
    public string? Problem => throw new NotImplementedException();
}
