using LlavaSharp.Imaging;

namespace LlavaSharp.Training;

/// <summary>A conversation to learn from.</summary>
/// <param name="Turns">The turns, oldest first.</param>
/// <param name="Image">The picture, or null for text alone.</param>
/// <param name="System">Takes the place of the template's system text; null: the template's own.</param>
public sealed record ConversationSample(IReadOnlyList<ConversationTurn> Turns, Image? Image = null, string? System = null);
