namespace LlavaSharp.Tokenizers.Json;

/// <summary>
/// The added tokens of a tokenizer.json. Those that are not "normalized" are cut out of the text as it is written,
/// the others out of each remaining part once it is normalized (and their own text is normalized for that, too).
/// </summary>
internal sealed class AddedVocabulary(Func<string, string> normalize)
{
    private readonly Dictionary<string, int> _ids = [];
    private readonly Dictionary<int, AddedToken> _tokens = [];
    private readonly HashSet<string> _special = [];
    private readonly Dictionary<string, int> _normalizedIds = [];
    private TokenMatcher _raw = new([]);
    private TokenMatcher _normalized = new([]);

    /// <summary>The largest id that was given, or -1.</summary>
    public int LargestId { get; private set; } = -1;

    public IEnumerable<string> Contents => _ids.Keys;

    public int? Find(string content) => _ids.TryGetValue(content, out var id) ? id : null;

    public AddedToken? TokenOf(int id) => _tokens.GetValueOrDefault(id);

    public bool IsSpecial(string content) => _special.Contains(content);

    public void Add(int id, AddedToken token)
    {
        _ids[token.Content] = id;
        _tokens[id] = token;
        LargestId = Math.Max(LargestId, id);
        if (token.Special)
            _special.Add(token.Content);
    }

    /// <summary>Makes the tokens that were added since the last call known to <see cref="Split"/>.</summary>
    public void Rebuild()
    {
        _raw = new TokenMatcher(_tokens.Values.Where(token => !token.Normalized).Select(token => token.Content));
        _normalizedIds.Clear();
        foreach (var token in _tokens.Values.Where(token => token.Normalized))
            _normalizedIds[normalize(token.Content)] = _ids[token.Content];
        _normalized = new TokenMatcher(_normalizedIds.Keys);
    }

    /// <summary>The parts in order: an added token's id, or normalized text for the model.</summary>
    public IEnumerable<(int Id, TextPart Part)> Split(string text)
    {
        foreach (var (id, start, end) in Find(text, _raw, _ids))
        {
            if (id >= 0)
            {
                yield return (id, default);
                continue;
            }
            var part = normalize(text[start..end]);
            foreach (var (innerId, innerStart, innerEnd) in Find(part, _normalized, _normalizedIds))
                yield return innerId >= 0
                    ? (innerId, default)
                    : (-1, new TextPart(part[innerStart..innerEnd], start == 0 && innerStart == 0));
        }
    }

    private IEnumerable<(int Id, int Start, int End)> Find(string text, TokenMatcher matcher, Dictionary<string, int> ids)
    {
        int position = 0, from = 0;
        while (matcher.TryFind(text, from, out var start, out var word))
        {
            var end = start + word.Length;
            from = end;
            var id = ids[word];
            var token = _tokens[id];
            if (token.SingleWord && ((start > 0 && IsWord(text[start - 1])) || (end < text.Length && IsWord(text[end]))))
                continue;
            if (token.LeftStrip)
                while (start > position && char.IsWhiteSpace(text[start - 1]))
                    start--;
            if (token.RightStrip)
                while (end < text.Length && char.IsWhiteSpace(text[end]))
                    end++;
            // white space that the token before has swallowed is gone
            start = Math.Max(start, position);
            if (start > position)
                yield return (-1, position, start);
            yield return (id, start, end);
            position = end;
            from = Math.Max(from, end);
        }
        if (position < text.Length)
            yield return (-1, position, text.Length);
    }

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_' || char.IsSurrogate(c)
        || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark
            or System.Globalization.UnicodeCategory.ConnectorPunctuation;
}
