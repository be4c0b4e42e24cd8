namespace LlavaSharp.Tokenizers;

/// <summary>Finds words of a set in a text: leftmost first, then longest. Immutable.</summary>
internal sealed class TokenMatcher
{
    private readonly Dictionary<(int Node, char Next), int> _edges = [];
    private readonly Dictionary<int, string> _words = [];
    private readonly System.Buffers.SearchValues<char> _firstChars;

    public TokenMatcher(IEnumerable<string> words)
    {
        var nodes = 1;
        var first = new HashSet<char>();
        foreach (var word in words)
        {
            if (word.Length == 0)
                continue;
            first.Add(word[0]);
            var node = 0;
            foreach (var c in word)
            {
                if (!_edges.TryGetValue((node, c), out var next))
                    _edges[(node, c)] = next = nodes++;
                node = next;
            }
            _words[node] = word;
        }
        _firstChars = System.Buffers.SearchValues.Create([.. first]);
    }

    public bool IsEmpty => _words.Count == 0;

    /// <summary>The first word at or after <paramref name="from"/>.</summary>
    public bool TryFind(string text, int from, out int start, out string word)
    {
        for (start = from; start < text.Length; start++)
        {
            var offset = text.AsSpan(start).IndexOfAny(_firstChars);
            if (offset < 0)
                break;
            start += offset;
            if (LongestAt(text, start) is { } found)
            {
                word = found;
                return true;
            }
        }
        start = text.Length;
        word = "";
        return false;
    }

    /// <summary>The longest word that begins exactly at <paramref name="start"/>, or null.</summary>
    public string? LongestAt(string text, int start)
    {
        string? longest = null;
        var node = 0;
        for (var i = start; i < text.Length && _edges.TryGetValue((node, text[i]), out node); i++)
            if (_words.TryGetValue(node, out var word))
                longest = word;
        return longest;
    }
}
