using LlavaSharp.Imaging;
using LlavaSharp.Prompts;

namespace LlavaSharp.Generation;

/// <summary>A prompt and its pictures.</summary>
public sealed record GenerationRequest
{
    /// <summary>The text, with <c>&lt;image&gt;</c> where a picture belongs.</summary>
    public required string Prompt { get; init; }

    /// <summary>
    /// Put the beginning token in front where the tokenizer does so. False for the text of a chat template, which writes special tokens itself;
    /// only plain language models know such prompts.
    /// </summary>
    public bool AddSpecialTokens { get; init; } = true;

    /// <summary>One picture for each marker, in order.</summary>
    public IReadOnlyList<Image> Images { get; init; } = [];

    /// <summary>Who asks: an engine that batches lets everybody have their turn; null: all such are one.</summary>
    public string? Client { get; init; }

    /// <summary>The adapter that answers, by the name it was loaded under; null: the model as it is.</summary>
    public string? Adapter { get; init; }

    /// <summary>How to generate.</summary>
    public GenerationOptions Options { get; init; } = new();

    /// <summary>The request that a conversation makes up, whose last answer is open.</summary>
    /// <param name="conversation">The turns.</param>
    /// <param name="images">The pictures, in the order of their markers.</param>
    /// <param name="options">How to generate.</param>
    /// <exception cref="PromptException">The conversation's template cannot write these turns.</exception>
    public static GenerationRequest For(Conversation conversation, IReadOnlyList<Image> images, GenerationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(conversation);
        ArgumentNullException.ThrowIfNull(images);
        return new() { Prompt = conversation.GetPrompt(), AddSpecialTokens = !conversation.WritesSpecialTokens, Images = images, Options = options ?? new GenerationOptions() };
    }
}
