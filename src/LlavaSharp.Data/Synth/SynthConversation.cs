namespace LlavaSharp.Data.Synth;

/// <summary>A picture, or none, and the questions about it.</summary>
public sealed record SynthConversation
{
    /// <summary>The scene, when the picture is one of the world's.</summary>
    public SynthScene? Scene { get; init; }

    /// <summary>The picture from outside the world, when it is one.</summary>
    public SynthOffTopicPicture? OffTopic { get; init; }

    /// <summary>The questions in their order, each with its answer; without the picture's marker.</summary>
    public required IReadOnlyList<SynthQuestion> Turns { get; init; }

    /// <summary>Whether there is a picture at all.</summary>
    public bool HasPicture => Scene is not null || OffTopic is not null;

    /// <summary>Draws the picture, or returns null when there is none.</summary>
    public SynthPicture? Draw() => Scene is not null ? SynthRenderer.Draw(Scene) : OffTopic?.Draw();
}
