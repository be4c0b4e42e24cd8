using LlavaSharp.Imaging;

namespace LlavaSharp.Prompts;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role">Who speaks, as the prompt writes it.</param>
/// <param name="Text">What is said; null or empty means that it is still to be generated.</param>
/// <param name="Image">The picture of this turn, or null (the original's triple of text, picture and mode).</param>
/// <param name="ImageProcessMode">How the picture is made fit: <c>Pad</c>, <c>Default</c>, <c>Crop</c> or <c>Resize</c>.</param>
public sealed record Message(string Role, string? Text, Image? Image = null, string? ImageProcessMode = null)
{
    /// <summary>The calls that the assistant asks for; only a model's own chat template writes them, see <see cref="ToolPrompt"/> for others.</summary>
    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>Where the turn is a tool's result: the call that it answers; else null.</summary>
    public ToolCall? Answers { get; init; }

    /// <summary>Whether the prompt shows only the role. A turn with a picture, with calls or of a tool is never open, even without text.</summary>
    public bool IsOpen => Image is null && string.IsNullOrEmpty(Text) && ToolCalls.Count == 0 && Answers is null;
}
