namespace LlavaSharp.Tokenizers;

/// <summary>Text to ids and back, with the rules of the tokenizer that a checkpoint was trained with.</summary>
/// <remarks>Instances are safe for concurrent use once their added tokens are set.</remarks>
public abstract class Tokenizer
{
    /// <summary>The number of ids, added tokens included (the original's <c>len(tokenizer)</c>).</summary>
    public abstract int Count { get; }

    /// <summary>The id that begins a sequence, or null when there is none.</summary>
    public abstract int? BeginningOfSequenceId { get; }

    /// <summary>The id that ends a sequence, or null when there is none.</summary>
    public abstract int? EndOfSequenceId { get; }

    /// <summary>The id that pads a batch, or null when there is none.</summary>
    public abstract int? PaddingId { get; }

    /// <summary>The id of what the vocabulary does not hold, or null when there is none.</summary>
    public abstract int? UnknownId { get; }

    /// <summary>The SentencePiece <c>legacy</c> rule (true: every part of a text between added tokens gets the dummy space, false: only the whole text), or null for tokenizers that do not know it.</summary>
    public virtual bool? Legacy => null;

    /// <summary>The ids of <paramref name="text"/>; special tokens written in the text are recognised as such.</summary>
    /// <param name="text">Any text; the empty text gives just the beginning id, if that is added.</param>
    /// <param name="addSpecialTokens">Put the beginning id in front where this tokenizer does so.</param>
    public abstract int[] Encode(string text, bool addSpecialTokens = true);

    /// <summary>The text of <paramref name="ids"/>.</summary>
    /// <param name="ids">Ids from 0 to <see cref="Count"/> - 1.</param>
    /// <param name="skipSpecialTokens">Leave special tokens out.</param>
    /// <exception cref="TokenizerException">An id is outside the vocabulary.</exception>
    public abstract string Decode(IEnumerable<int> ids, bool skipSpecialTokens = true);

    /// <summary>The same, whether the spaces that the original's <c>clean_up_tokenization_spaces</c> takes out are taken out or not.</summary>
    internal virtual string Decode(IEnumerable<int> ids, bool skipSpecialTokens, bool cleanUpSpaces) => Decode(ids, skipSpecialTokens);

    /// <summary>
    /// The bytes of UTF-8, perhaps only a part of a character, that a token adds wherever it stands in a text. The text of ids whose tokens all have bytes is these
    /// bytes one behind the other, but for spaces at its beginning and for what <c>clean_up_tokenization_spaces</c> takes out.
    /// </summary>
    /// <param name="id">Any number.</param>
    /// <returns>Null for tokens that write nothing of their own: special, unknown and spare ones, and those that get spaces by their neighbours.</returns>
    public virtual byte[]? TokenBytes(int id) => null;

    /// <summary>The id of exactly this token (a piece or an added token), or null.</summary>
    public abstract int? TokenToId(string token);

    /// <summary>The token (piece or added token) of an id, or null.</summary>
    public abstract string? IdToToken(int id);

    /// <summary>Whether the id is a special token (left out by <c>skipSpecialTokens</c>).</summary>
    public abstract bool IsSpecial(int id);

    /// <summary>Adds a token at the end of the vocabulary unless it is already there; it is found in the text leftmost first, then longest.</summary>
    /// <returns>1 when it was added, 0 when it was there.</returns>
    public abstract int AddToken(string token, bool special);

    /// <summary>
    /// Whether what follows this token decodes the same whatever stands before it, so that a stream need not decode from the beginning again.
    /// </summary>
    internal virtual bool IsDecodeAnchor(int id, bool skipSpecialTokens) => false;
}
