using LlavaSharp.Imaging;

namespace LlavaSharp.Generation;

/// <summary>A prompt and its pictures.</summary>
public sealed record GenerationRequest
{
    /// <summary>The text, with <c>&lt;image&gt;</c> where a picture belongs.</summary>
    public required string Prompt { get; init; }

    /// <summary>One picture for each marker, in order.</summary>
    public IReadOnlyList<Image> Images { get; init; } = [];

    /// <summary>How to generate.</summary>
    public GenerationOptions Options { get; init; } = new();
}
