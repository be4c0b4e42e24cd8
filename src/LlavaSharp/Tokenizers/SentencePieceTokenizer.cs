using System.Text;

namespace LlavaSharp.Tokenizers;

/// <summary>
/// The LLaMA tokenizer over a SentencePiece model (<c>tokenizer.model</c>), with the rules of the original's "slow" class:
/// special and added tokens are cut out of the text first, and the rest goes through the model.
/// </summary>
/// <remarks>
/// <see cref="Legacy"/> true: every part of the text between added tokens gets the dummy space of the model. False: only the whole text does.
/// </remarks>
public sealed class SentencePieceTokenizer : Tokenizer
{
    private const string Space = "\u2581";

    private readonly SentencePieceModel _model;
    private readonly SentencePieceEncoder _encoder;
    private readonly bool _legacy;
    private readonly bool _addBeginning;
    private readonly bool _addEnd;
    private readonly bool _cleanUpSpaces;
    private readonly string? _beginning;
    private readonly string? _end;
    private readonly string? _padding;
    private readonly string _unknown;
    private readonly int _unknownLength;
    private readonly Dictionary<string, int> _addedIds = [];
    private readonly Dictionary<int, AddedToken> _added = [];
    private readonly HashSet<string> _special = [];
    private readonly HashSet<string> _additional = [];
    private TokenMatcher _matcher = new([]);
    private int _count;

    internal SentencePieceTokenizer(SentencePieceModel model, TokenizerSettings settings)
    {
        _legacy = settings.Legacy ?? true;
        _model = _legacy || !model.AddDummyPrefix ? model : model.WithoutDummyPrefix();
        _encoder = SentencePieceEncoder.Create(_model);
        _addBeginning = settings.AddBeginning ?? true;
        _addEnd = settings.AddEnd ?? false;
        _cleanUpSpaces = settings.CleanUpSpaces ?? false;
        _beginning = settings.Named("bos_token", "<s>");
        _end = settings.Named("eos_token", "</s>");
        _padding = settings.Named("pad_token");
        _unknown = settings.Named("unk_token", "<unk>") ?? model.Pieces[model.UnknownId].Text;
        _count = model.Pieces.Count;

        var named = TokenizerSettings.NamedTokens.Select(name => name switch
        {
            "bos_token" => _beginning,
            "eos_token" => _end,
            "unk_token" => _unknown,
            _ => settings.Named(name),
        });
        var special = named.OfType<string>().Concat(settings.AdditionalSpecialTokens).Where(token => token.Length > 0).Distinct().ToList();
        _special.UnionWith(special);
        _additional.UnionWith(settings.AdditionalSpecialTokens);
        foreach (var (id, token) in settings.AddedTokens)
            Register(id, token);
        foreach (var token in special)
            if (!_addedIds.ContainsKey(token))
                Register(model.Find(token) ?? NextId(), new AddedToken(token, Special: true));
        RebuildMatcher();

        var unknownIds = new List<int>();
        _encoder.Encode(TextUtilities.RepairSurrogates(_unknown), unknownIds);
        _unknownLength = unknownIds.Count;
    }

    /// <inheritdoc/>
    public override int Count => _count;

    /// <inheritdoc/>
    public override int? BeginningOfSequenceId => IdOf(_beginning);

    /// <inheritdoc/>
    public override int? EndOfSequenceId => IdOf(_end);

    /// <inheritdoc/>
    public override int? PaddingId => IdOf(_padding);

    /// <inheritdoc/>
    public override int? UnknownId => IdOf(_unknown);

    /// <inheritdoc/>
    public override bool? Legacy => _legacy;

    /// <summary>Loads <c>tokenizer.model</c> and the settings beside it.</summary>
    /// <exception cref="TokenizerException">A file is missing, cannot be read or holds something that is not supported.</exception>
    public static SentencePieceTokenizer Load(string folder) =>
        new(SentencePieceModel.Load(Path.Combine(folder, TokenizerLoader.ModelFile)), TokenizerSettings.Load(folder));

    /// <inheritdoc/>
    public override int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>((text.Length / 3) + 2);
        if (addSpecialTokens && _addBeginning && BeginningOfSequenceId is { } beginning)
            ids.Add(beginning);
        if (text.Length > 0)
            EncodeText(TextUtilities.RepairSurrogates(text), ids);
        if (addSpecialTokens && _addEnd && EndOfSequenceId is { } end)
            ids.Add(end);
        return [.. ids];
    }

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids, bool skipSpecialTokens = true) => Decode(ids, skipSpecialTokens, _cleanUpSpaces);

    /// <inheritdoc/>
    internal override string Decode(IEnumerable<int> ids, bool skipSpecialTokens, bool cleanUpSpaces)
    {
        ArgumentNullException.ThrowIfNull(ids);
        // added tokens that are no special token of the model's own are written as they are, with a space on either side
        var parts = new List<string>();
        var run = new List<Token>();
        foreach (var id in ids)
        {
            var token = TokenOf(id);
            if (skipSpecialTokens && token.Special)
                continue;
            if (!token.StandsAlone)
            {
                run.Add(token);
                continue;
            }
            if (run.Count > 0 && DecodeRun(run) is { Length: > 0 } before)
                parts.Add(before);
            run.Clear();
            parts.Add(token.Text);
        }
        if (run.Count > 0)
            parts.Add(DecodeRun(run));
        var text = parts.Count == 1 ? parts[0] : string.Join(' ', parts);
        return cleanUpSpaces ? TextUtilities.CleanUpSpaces(text) : text;
    }

    /// <inheritdoc/>
    public override byte[]? TokenBytes(int id)
    {
        if (id < 0 || id >= _model.Pieces.Count || _added.ContainsKey(id))
            return null;
        var (text, _, type) = _model.Pieces[id];
        return type switch
        {
            SentencePieceType.Byte => [(byte)TextUtilities.ByteOfPiece(text)],
            SentencePieceType.Unknown or SentencePieceType.Control => null,
            _ => Encoding.UTF8.GetBytes(text.Replace(TextUtilities.SpaceSymbol, ' ')),
        };
    }

    /// <inheritdoc/>
    public override int? TokenToId(string token) => _addedIds.TryGetValue(token, out var id) ? id : _model.Find(token);

    /// <inheritdoc/>
    public override string? IdToToken(int id) =>
        _added.TryGetValue(id, out var token) ? token.Content : id >= 0 && id < _model.Pieces.Count ? _model.Pieces[id].Text : null;

    /// <inheritdoc/>
    public override bool IsSpecial(int id) => IdToToken(id) is { } token && _special.Contains(token) && TokenToId(token) == id;

    /// <inheritdoc/>
    public override int AddToken(string token, bool special)
    {
        ArgumentNullException.ThrowIfNull(token);
        if (token.Length == 0 || _addedIds.ContainsKey(token))
            return 0;
        var known = _model.Find(token);
        special |= _special.Contains(token);
        Register(known ?? NextId(), new AddedToken(token, special, Normalized: !special));
        if (special && _special.Add(token))
            _additional.Add(token);
        RebuildMatcher();
        return known is null ? 1 : 0;
    }

    /// <inheritdoc/>
    internal override bool IsDecodeAnchor(int id, bool skipSpecialTokens) =>
        // legacy writes a space in front of a whole run when a special token that is kept follows it
        !_cleanUpSpaces && (!_legacy || skipSpecialTokens) && id >= 0 && id < _model.Pieces.Count && !_added.ContainsKey(id)
        && _model.Pieces[id].Type is SentencePieceType.Normal or SentencePieceType.UserDefined;

    private int? IdOf(string? token) => token is null ? null : TokenToId(token) ?? _model.UnknownId;

    private void Register(int id, AddedToken token)
    {
        if (token.Content.Length == 0)
            return;
        if (_model.Find(token.Content) is null && !_addedIds.ContainsKey(token.Content))
            _count++;
        _added[id] = token;
        _addedIds[token.Content] = id;
    }

    // the original gives the next id as the number of tokens so far; an id that a file has given away already is passed over
    private int NextId()
    {
        var id = _count;
        while (_added.ContainsKey(id))
            id++;
        return id;
    }

    private void RebuildMatcher() => _matcher = new TokenMatcher(_addedIds.Keys);

    private void EncodeText(string text, List<int> ids)
    {
        if (!_legacy)
            text = Space + text.Replace(TextUtilities.SpaceSymbol, ' ');
        var parts = AddedTokenSplitter.Split(text, _matcher, word => _added[_addedIds[word]]);
        for (var i = 0; i < parts.Count; i++)
        {
            var part = parts[i];
            // a lone dummy space directly before a special token is dropped
            if (!_legacy && i == 0 && part == Space && parts.Count > 1 && _special.Contains(parts[1]) && _addedIds.ContainsKey(parts[1]))
                continue;
            if (_addedIds.TryGetValue(part, out var id))
                ids.Add(id);
            else
                EncodePart(part, ids);
        }
    }

    private void EncodePart(string part, List<int> ids)
    {
        if (_legacy || (part[0] != TextUtilities.SpaceSymbol && part[0] != ' '))
        {
            _encoder.Encode(part, ids);
            return;
        }
        // the unknown token goes in front so that the model keeps the leading spaces, and is taken off again
        var start = ids.Count;
        _encoder.Encode(_unknown + part, ids);
        if (ids.Count - start >= _unknownLength)
            ids.RemoveRange(start, _unknownLength);
    }

    private Token TokenOf(int id)
    {
        if (_added.TryGetValue(id, out var added))
        {
            var special = _special.Contains(added.Content);
            var alone = !special || (_additional.Contains(added.Content) && _addedIds[added.Content] >= _model.Pieces.Count);
            return new Token(added.Content, _model.Find(added.Content) ?? _model.UnknownId, special, alone);
        }
        if (id < 0 || id >= _model.Pieces.Count)
            throw new TokenizerException($"The id {id} is outside the vocabulary of {_count} tokens ('{_model.File}').", _model.File);
        return new Token(_model.Pieces[id].Text, id, false, false);
    }

    /// <summary>Decodes tokens that stand together; special tokens in it cut it into runs that SentencePiece decodes each on its own.</summary>
    private string DecodeRun(List<Token> tokens)
    {
        if (tokens[0].Text.StartsWith(TextUtilities.SpaceSymbol))
        {
            var rest = tokens[0].Text[1..];
            tokens[0] = new Token(rest, _model.Find(rest) ?? _model.UnknownId, _special.Contains(rest), false);
        }
        var text = new StringBuilder();
        var decoder = new SentencePieceDecoder(_model, text);
        var previousWasSpecial = false;
        for (var i = 0; i < tokens.Count; i++)
        {
            if (!tokens[i].Special)
            {
                decoder.Add(tokens[i].Text, tokens[i].Id);
                previousWasSpecial = false;
                continue;
            }
            decoder.Finish();
            if (_legacy && !previousWasSpecial && i > 0)
                text.Insert(decoder.RunStart, ' ');
            text.Append(tokens[i].Text);
            decoder.Begin();
            previousWasSpecial = true;
        }
        decoder.Finish();
        return text.ToString();
    }

    private readonly record struct Token(string Text, int Id, bool Special, bool StandsAlone);
}
