namespace LlavaSharp.Serving.Web;

/// <summary>What becomes of the five buttons below the chat.</summary>
/// <param name="Upvote">The answer is good.</param>
/// <param name="Downvote">The answer is bad.</param>
/// <param name="Flag">The answer is harmful.</param>
/// <param name="Regenerate">Answer again.</param>
/// <param name="Clear">Begin anew.</param>
public sealed record WebButtons(WebButton Upvote, WebButton Downvote, WebButton Flag, WebButton Regenerate, WebButton Clear)
{
    /// <summary>All as they are.</summary>
    public static WebButtons Unchanged { get; } = All(WebButton.Unchanged);

    /// <summary>All can be pressed: there is an answer.</summary>
    public static WebButtons Enabled { get; } = All(WebButton.Enabled);

    /// <summary>None can be pressed.</summary>
    public static WebButtons Disabled { get; } = All(WebButton.Disabled);

    /// <summary>No votes, as the answer failed.</summary>
    public static WebButtons Failed { get; } = new(WebButton.Disabled, WebButton.Disabled, WebButton.Disabled, WebButton.Enabled, WebButton.Enabled);

    /// <summary>No votes, as one was given.</summary>
    public static WebButtons Voted { get; } = new(WebButton.Disabled, WebButton.Disabled, WebButton.Disabled, WebButton.Unchanged, WebButton.Unchanged);

    private static WebButtons All(WebButton button) => new(button, button, button, button, button);
}
