namespace LlavaSharp.Serving.Web;

/// <summary>A question and its answer, as a conversation is kept and taken up again.</summary>
/// <param name="Text">The question, with the marker <c>&lt;image&gt;</c> of each picture.</param>
/// <param name="Pictures">The pictures.</param>
/// <param name="ImageProcessMode">How they are made fit (<see cref="LlavaSharp.Imaging.ConversationImage.Modes"/>).</param>
/// <param name="IsAnnounced">Whether the template puts the marker of the one picture in front of the text (first turns with one picture).</param>
/// <param name="Answer">The answer; null: none, or it failed.</param>
/// <param name="Model">The model that answered, or null.</param>
public sealed record WebSavedTurn(string Text, IReadOnlyList<WebPicture> Pictures, string ImageProcessMode, bool IsAnnounced, string? Answer, string? Model)
{
    /// <summary>The question without its markers, as people see it.</summary>
    public string Question => Prompts.ConversationText.WithoutMarkers(Text).Trim();
}
