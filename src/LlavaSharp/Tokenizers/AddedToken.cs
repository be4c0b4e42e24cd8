namespace LlavaSharp.Tokenizers;

/// <summary>A token that is found in the text as a whole, before the model sees the text.</summary>
/// <param name="Content">The text it stands for.</param>
/// <param name="Special">Whether it is left out by <c>skipSpecialTokens</c>.</param>
/// <param name="LeftStrip">It swallows the white space before it.</param>
/// <param name="RightStrip">It swallows the white space after it.</param>
/// <param name="SingleWord">It counts only when no word touches it.</param>
/// <param name="Normalized">It is looked for in the normalized text (tokenizer.json only).</param>
internal sealed record AddedToken(
    string Content,
    bool Special,
    bool LeftStrip = false,
    bool RightStrip = false,
    bool SingleWord = false,
    bool Normalized = false);
