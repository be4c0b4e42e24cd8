namespace LlavaSharp.Tokenizers;

/// <summary>Which of a folder's two tokenizer files decides.</summary>
public enum TokenizerKind
{
    /// <summary><see cref="Slow"/> when the folder has a <c>tokenizer.model</c>, else <see cref="Fast"/>.</summary>
    Auto,

    /// <summary>The SentencePiece model <c>tokenizer.model</c>, as the original loads LLaMA and Vicuna.</summary>
    Slow,

    /// <summary><c>tokenizer.json</c>, or what it would be when only <c>tokenizer.model</c> is there, as the original loads Mistral and MPT.</summary>
    Fast,
}
