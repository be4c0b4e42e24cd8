namespace LlavaSharp.Serving.Web;

/// <summary>What votes are called in the log.</summary>
internal static class WebVoteNames
{
    /// <summary>The original's word.</summary>
    public static string ToRecordName(this WebVote vote) => vote switch
    {
        WebVote.Up => "upvote",
        WebVote.Down => "downvote",
        WebVote.Flag => "flag",
        _ => throw new ArgumentOutOfRangeException(nameof(vote), vote, "A vote is up, down or flag."),
    };
}
