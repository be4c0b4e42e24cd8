namespace LlavaSharp.Tokenizers;

/// <summary>What a piece of a SentencePiece model is; the values are those of the file.</summary>
internal enum SentencePieceType
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>How a SentencePiece model cuts text; the values are those of the file.</summary>
internal enum SentencePieceAlgorithm
{
    Unigram = 1,
    Bpe = 2,
}

/// <summary>One entry of the vocabulary; its place in the list is its id.</summary>
internal readonly record struct SentencePiece(string Text, float Score, SentencePieceType Type);
