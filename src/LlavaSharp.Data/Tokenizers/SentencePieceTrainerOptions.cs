namespace LlavaSharp.Data.Tokenizers;

/// <summary>What <see cref="SentencePieceTrainer"/> makes.</summary>
public sealed record SentencePieceTrainerOptions
{
    /// <summary>The number of pieces with the 3 special and 256 byte pieces; fewer come out when the texts hold no more pairs that occur twice.</summary>
    public int VocabularySize { get; init; } = 1024;

    /// <summary>The largest number of code points of a piece (16 in SentencePiece).</summary>
    public int LongestPiece { get; init; } = 16;

    /// <summary>Each digit is a piece of its own, as in LLaMA.</summary>
    public bool SplitDigits { get; init; } = true;

    /// <summary>The <c>legacy</c> entry of <c>tokenizer_config.json</c>; false in the LLaVA-1.5 family.</summary>
    public bool Legacy { get; init; }

    /// <summary>The <c>model_max_length</c> entry of <c>tokenizer_config.json</c>.</summary>
    public int ModelMaxLength { get; init; } = 2048;
}
