using System.Globalization;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>The vocabulary that a GGUF file carries beside a language model, of the SentencePiece kind.</summary>
/// <param name="Pieces">Its pieces by id.</param>
/// <param name="Unknown">The id of the unknown piece.</param>
/// <param name="Beginning">The id of the piece that begins a text.</param>
/// <param name="End">The id of the piece that ends it.</param>
internal sealed record GgufVocabulary(IReadOnlyList<SentencePiece> Pieces, int Unknown = 0, int Beginning = 1, int End = 2)
{
    private const int Bytes = 256;

    /// <summary>A vocabulary for weights that know no language: LLaMA's three control pieces, a piece for each byte, and pieces that stand for nothing.</summary>
    /// <param name="size">How many pieces.</param>
    /// <exception cref="CheckpointException">Too few for the control pieces and bytes.</exception>
    public static GgufVocabulary MadeUp(int size)
    {
        if (size < 3 + Bytes)
            throw new CheckpointException($"A vocabulary of {size} pieces has no room for the {3 + Bytes} that every such vocabulary has. Take a larger one.");
        var pieces = new SentencePiece[size];
        pieces[0] = new("<unk>", 0, SentencePieceType.Unknown);
        pieces[1] = new("<s>", 0, SentencePieceType.Control);
        pieces[2] = new("</s>", 0, SentencePieceType.Control);
        for (var i = 0; i < Bytes; i++)
            pieces[3 + i] = new(string.Create(CultureInfo.InvariantCulture, $"<0x{i:X2}>"), 0, SentencePieceType.Byte);
        for (var id = 3 + Bytes; id < size; id++)
            pieces[id] = new(string.Create(CultureInfo.InvariantCulture, $"\u2581piece{id}"), -id, SentencePieceType.Normal);
        return new(pieces);
    }

    /// <summary>The named values of a file.</summary>
    public IEnumerable<KeyValuePair<string, object>> Metadata() =>
    [
        new("tokenizer.ggml.model", "llama"),
        new("tokenizer.ggml.pre", "default"),
        new("tokenizer.ggml.tokens", Pieces.Select(piece => piece.Text).ToArray()),
        new("tokenizer.ggml.scores", Pieces.Select(piece => piece.Score).ToArray()),
        new("tokenizer.ggml.token_type", Pieces.Select(piece => (int)piece.Type).ToArray()),
        new("tokenizer.ggml.unknown_token_id", (uint)Unknown),
        new("tokenizer.ggml.bos_token_id", (uint)Beginning),
        new("tokenizer.ggml.eos_token_id", (uint)End),
        new("tokenizer.ggml.add_bos_token", true),
        new("tokenizer.ggml.add_eos_token", false),
    ];
}
