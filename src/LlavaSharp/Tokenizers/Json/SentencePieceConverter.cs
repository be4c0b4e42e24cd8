using System.Text;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>What the original makes of a folder with a <c>tokenizer.model</c> only when it is asked for the fast tokenizer.</summary>
internal static class SentencePieceConverter
{
    /// <exception cref="TokenizerException">The model is not a BPE.</exception>
    public static JsonTokenizer Convert(SentencePieceModel model, TokenizerSettings settings)
    {
        if (model.Algorithm != SentencePieceAlgorithm.Bpe)
            throw new TokenizerException($"'{model.File}' is a unigram model, which cannot be converted to the fast tokenizer; load it as {TokenizerKind.Slow}.", model.File);
        var vocabulary = new Dictionary<string, int>();
        for (var id = 0; id < model.Pieces.Count; id++)
            vocabulary[model.Pieces[id].Text] = id;
        var space = TextUtilities.SpaceSymbol.ToString();
        var added = Enumerable.Range(0, model.Pieces.Count)
            .Where(id => model.Pieces[id].Type is SentencePieceType.Unknown or SentencePieceType.Control or SentencePieceType.UserDefined)
            .Select(id => (id, new AddedToken(model.Pieces[id].Text, model.Pieces[id].Type != SentencePieceType.UserDefined)));
        return new JsonTokenizer(
            new JsonTokenizerParts(
                new BpeModel(
                    vocabulary,
                    Merges(model, vocabulary),
                    model.File,
                    model.Pieces[model.UnknownId].Text,
                    fuseUnknown: true,
                    byteFallback: true),
                text => text.Length == 0 ? text : space + text.Replace(' ', TextUtilities.SpaceSymbol),
                part => [part],
                PostProcessor.None,
                TokenDecoder.Sequence(
                [
                    TokenDecoder.Each(token => token.Replace(TextUtilities.SpaceSymbol, ' ')),
                    TokenDecoder.ByteFallback,
                    TokenDecoder.Fuse,
                    TokenDecoder.Strip(' ', 1, 0),
                ]),
                true,
                piece => TextUtilities.ByteOfPiece(piece) is >= 0 and var value ? [(byte)value] : Encoding.UTF8.GetBytes(piece.Replace(TextUtilities.SpaceSymbol, ' ')),
                [.. added]),
            settings.AsLlama());
    }

    /// <summary>Every way to join two pieces into a third, the highest score first; ways to the same piece in the order of their ids.</summary>
    internal static IEnumerable<(string Left, string Right)> Merges(SentencePieceModel model, Dictionary<string, int> vocabulary)
    {
        var lookup = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(string Piece, int Cut, float Score, int Id, int Left, int Right)>();
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            var (text, score, _) = model.Pieces[id];
            for (var cut = 1; cut < text.Length; cut++)
                if (lookup.TryGetValue(text.AsSpan(0, cut), out var left) && lookup.TryGetValue(text.AsSpan(cut), out var right))
                    merges.Add((text, cut, score, id, left, right));
        }
        return merges.OrderByDescending(merge => merge.Score).ThenBy(merge => merge.Id).ThenBy(merge => merge.Left).ThenBy(merge => merge.Right)
            .Select(merge => (merge.Piece[..merge.Cut], merge.Piece[merge.Cut..]));
    }
}
