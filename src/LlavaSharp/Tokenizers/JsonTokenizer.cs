using System.Text.Json;
using LlavaSharp.Tokenizers.Json;

namespace LlavaSharp.Tokenizers;

/// <summary>The tokenizer that a <c>tokenizer.json</c> describes: byte-level BPE (GPT-2, GPT-NeoX, Llama 3, Qwen, SmolLM) or LLaMA's BPE with byte fallback.</summary>
public sealed class JsonTokenizer : Tokenizer
{
    private readonly BpeModel _model;
    private readonly Func<TextPart, IEnumerable<TextPart>> _preTokenize;
    private readonly Func<List<string>, List<string>> _decode;
    private readonly bool _decodesInOrder;
    private readonly Func<string, byte[]>? _bytes;
    private readonly PostProcessor _postProcessor;
    private readonly AddedVocabulary _added;
    private readonly bool _cleanUpSpaces;
    private readonly string? _beginning;
    private readonly string? _end;
    private readonly string? _padding;
    private readonly string? _unknown;
    private int _count;

    internal JsonTokenizer(JsonTokenizerParts parts, TokenizerSettings settings)
    {
        _model = parts.Model;
        _preTokenize = parts.PreTokenize;
        _decode = parts.Decode;
        _decodesInOrder = parts.DecodesInOrder;
        _bytes = parts.TokenBytes;
        _added = new AddedVocabulary(parts.Normalize);
        _cleanUpSpaces = settings.CleanUpSpaces ?? !settings.IsLlama;
        _count = _model.Count;
        var fallback = settings.DefaultTokens;
        _beginning = settings.Named("bos_token", fallback.Beginning);
        _end = settings.Named("eos_token", fallback.End);
        _padding = settings.Named("pad_token");
        _unknown = settings.Named("unk_token", fallback.Unknown);

        foreach (var (id, token) in parts.AddedTokens)
            Register(token, id);
        foreach (var (id, token) in settings.AddedTokens)
            if (_added.Find(token.Content) is null)
                Register(token, id <= _added.LargestId || id < _model.Count ? null : id);
        var named = TokenizerSettings.NamedTokens.Select(name => name switch
        {
            "bos_token" => _beginning,
            "eos_token" => _end,
            "unk_token" => _unknown,
            _ => settings.Named(name),
        });
        foreach (var token in named.OfType<string>().Concat(settings.AdditionalSpecialTokens))
            if (_added.Find(token) is null)
                Register(new AddedToken(token, Special: true), null);
        _added.Rebuild();
        _postProcessor = LlamaTemplate(settings) ?? parts.PostProcessor;
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

    /// <summary>Loads <c>tokenizer.json</c> and the settings beside it.</summary>
    /// <exception cref="TokenizerException">A file is missing, cannot be read, or holds a component that is not supported.</exception>
    public static JsonTokenizer Load(string folder)
    {
        var file = Path.Combine(folder, TokenizerLoader.JsonFile);
        return Parse(JsonReading.ReadFile(file), file, TokenizerSettings.Load(folder));
    }

    internal static JsonTokenizer Parse(ReadOnlyMemory<byte> json, string file, TokenizerSettings settings) =>
        new(JsonTokenizerParts.Read(JsonReading.ParseObject(json, file), file, settings), settings);

    /// <inheritdoc/>
    public override int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>((text.Length / 3) + 2);
        if (addSpecialTokens)
            ids.AddRange(_postProcessor.Before);
        foreach (var (id, part) in _added.Split(TextUtilities.RepairSurrogates(text)))
        {
            if (id >= 0)
                ids.Add(id);
            else
                foreach (var word in _preTokenize(part))
                    _model.Encode(word.Text, ids);
        }
        if (addSpecialTokens)
            ids.AddRange(_postProcessor.After);
        return [.. ids];
    }

    /// <inheritdoc/>
    /// <remarks>Ids beyond the vocabulary, which a model with a padded embedding can generate, are left out as in the original; negative ones are an error.</remarks>
    public override string Decode(IEnumerable<int> ids, bool skipSpecialTokens = true) => Decode(ids, skipSpecialTokens, _cleanUpSpaces);

    /// <inheritdoc/>
    internal override string Decode(IEnumerable<int> ids, bool skipSpecialTokens, bool cleanUpSpaces)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var tokens = new List<string>();
        foreach (var id in ids)
        {
            if (id < 0)
                throw new TokenizerException($"The id {id} is outside the vocabulary of {_count} tokens.");
            if (IdToToken(id) is { } token && !(skipSpecialTokens && _added.IsSpecial(token)))
                tokens.Add(token);
        }
        var text = string.Concat(_decode(tokens));
        return cleanUpSpaces ? TextUtilities.CleanUpSpaces(text) : text;
    }

    /// <inheritdoc/>
    public override byte[]? TokenBytes(int id) =>
        IdToToken(id) is { } token && token != _unknown && !_added.IsSpecial(token) ? _bytes?.Invoke(token) : null;

    /// <inheritdoc/>
    public override int? TokenToId(string token) => _added.Find(token) ?? _model.Find(token);

    /// <inheritdoc/>
    public override string? IdToToken(int id) => _added.TokenOf(id)?.Content ?? _model.TokenOf(id);

    /// <inheritdoc/>
    public override bool IsSpecial(int id) => IdToToken(id) is { } token && _added.IsSpecial(token);

    /// <inheritdoc/>
    public override int AddToken(string token, bool special)
    {
        ArgumentNullException.ThrowIfNull(token);
        if (token.Length == 0 || _added.Find(token) is not null)
            return 0;
        var known = _model.Find(token) is not null;
        Register(new AddedToken(token, special, Normalized: !special), null);
        _added.Rebuild();
        return known ? 0 : 1;
    }

    /// <inheritdoc/>
    internal override bool IsDecodeAnchor(int id, bool skipSpecialTokens)
    {
        if (!_decodesInOrder || _added.TokenOf(id) is not null || _model.TokenOf(id) is null || _model.IsByte(id))
            return false;
        // what the clean-up changes begins with a space and is at most four characters long
        return !_cleanUpSpaces || (Decode([id], skipSpecialTokens, cleanUpSpaces: false) is { Length: >= 4 } text && !text.AsSpan(text.Length - 4).Contains(' '));
    }

    private int? IdOf(string? token) => token is null ? null : TokenToId(token);

    private void Register(AddedToken token, int? wanted)
    {
        if (token.Content.Length == 0)
            return;
        var known = _model.Find(token.Content);
        if (known is null && _added.Find(token.Content) is null)
            _count++;
        _added.Add(known ?? wanted ?? Math.Max(_added.LargestId + 1, _model.Count), token);
    }

    // LLaMA's class builds its own template from add_bos_token and add_eos_token, whatever the file says
    private PostProcessor? LlamaTemplate(TokenizerSettings settings)
    {
        bool addBeginning = settings.AddBeginning ?? true, addEnd = settings.AddEnd ?? false;
        if (!settings.IsLlama || (addBeginning && BeginningOfSequenceId is null) || (addEnd && EndOfSequenceId is null))
            return null;
        return new PostProcessor(addBeginning ? [BeginningOfSequenceId!.Value] : [], addEnd ? [EndOfSequenceId!.Value] : []);
    }
}
