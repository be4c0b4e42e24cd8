namespace LlavaSharp.Serving.Web;

/// <summary>Shows texts to a moderation service (OpenAI's <c>/v1/moderations</c>).</summary>
public sealed class Moderation
{
    /// <summary>What the user is told whose text is not wanted (the original's <c>moderation_msg</c>).</summary>
    public const string RefusalText = "YOUR INPUT VIOLATES OUR CONTENT MODERATION GUIDELINES. PLEASE TRY AGAIN.";

    /// <summary>Asks the service.</summary>
    public Task<ModerationResult> CheckAsync(string text, CancellationToken cancellation = default) => throw new NotImplementedException();
}
