using LlavaSharp.Serving.Web;

namespace LlavaSharp.Web.Chat;

/// <summary>A conversation on the page, with its model and buttons. Not safe for concurrent use.</summary>
public sealed class ChatLane
{
    internal ChatLane(WebConversation conversation, string model) => (Conversation, Model, State) = (conversation, model, conversation.State);

    /// <summary>The conversation.</summary>
    public WebConversation Conversation { get; }

    /// <summary>The model that is asked; empty: none was there to choose.</summary>
    public string Model { get; set; }

    /// <summary>What is shown.</summary>
    public WebState State { get; private set; }

    /// <summary>Whether an answer is being written, or waits to be.</summary>
    public bool IsAnswering { get; internal set; }

    /// <summary>Whether the answer can be voted for.</summary>
    public bool CanUpvote { get; private set; }

    /// <summary>Whether the answer can be voted against.</summary>
    public bool CanDownvote { get; private set; }

    /// <summary>Whether the answer can be flagged.</summary>
    public bool CanFlag { get; private set; }

    /// <summary>Whether the question can be answered again.</summary>
    public bool CanRegenerate { get; private set; }

    /// <summary>Whether the conversation can be begun anew.</summary>
    public bool CanClear { get; private set; }

    internal void Show(WebState state)
    {
        State = state;
        CanUpvote = Apply(state.Buttons.Upvote, CanUpvote);
        CanDownvote = Apply(state.Buttons.Downvote, CanDownvote);
        CanFlag = Apply(state.Buttons.Flag, CanFlag);
        CanRegenerate = Apply(state.Buttons.Regenerate, CanRegenerate);
        CanClear = Apply(state.Buttons.Clear, CanClear);

        static bool Apply(WebButton change, bool now) => change switch { WebButton.Enabled => true, WebButton.Disabled => false, _ => now };
    }
}
