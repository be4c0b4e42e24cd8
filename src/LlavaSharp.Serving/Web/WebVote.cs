namespace LlavaSharp.Serving.Web;

/// <summary>What a user thinks of the last answer.</summary>
public enum WebVote
{
    /// <summary>It is good (<c>upvote</c>).</summary>
    Up,

    /// <summary>It is bad (<c>downvote</c>).</summary>
    Down,

    /// <summary>It is harmful (<c>flag</c>).</summary>
    Flag,
}
