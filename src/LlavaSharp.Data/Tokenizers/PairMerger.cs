namespace LlavaSharp.Data.Tokenizers;

/// <summary>
/// Learns pieces: again and again the most frequent text of two neighbours becomes a piece. Counts are kept up to date, not taken anew.
/// What counts is the joined text, however it is put together, since the encoder joins neighbours by their text as well.
/// </summary>
internal sealed class PairMerger
{
    private readonly List<(int[] Symbols, long Count)> _words = [];
    private readonly List<string> _texts = [];
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Left, int Right), int> _joined = [];
    private readonly Dictionary<int, (long Count, HashSet<int> Words)> _candidates = [];
    private readonly PriorityQueue<(int Symbol, long Count), (long Count, string Text)> _queue = new(Comparer<(long Count, string Text)>.Create(
        (a, b) => a.Count != b.Count ? b.Count.CompareTo(a.Count) : string.CompareOrdinal(a.Text, b.Text))); // ties: by text, so that runs agree
    private readonly HashSet<int> _learned = [];
    private readonly int _longest;

    public PairMerger(IEnumerable<KeyValuePair<string, long>> words, int longestPiece)
    {
        _longest = longestPiece;
        foreach (var (word, count) in words.OrderBy(word => word.Key, StringComparer.Ordinal))
            _words.Add(([.. word.EnumerateRunes().Select(rune => IdOf(rune.ToString()))], count));
        for (var i = 0; i < _words.Count; i++)
            Count(i, 1);
        foreach (var (symbol, candidate) in _candidates)
            _queue.Enqueue((symbol, candidate.Count), (candidate.Count, _texts[symbol]));
    }

    /// <summary>Up to <paramref name="limit"/> pieces in the order in which they are to be joined; none that occurs only once.</summary>
    public List<string> Learn(int limit)
    {
        var pieces = new List<string>();
        while (pieces.Count < limit && _queue.TryDequeue(out var top, out _))
        {
            if (!_candidates.TryGetValue(top.Symbol, out var candidate) || candidate.Count < 2)
                continue;
            if (candidate.Count != top.Count)
            {
                _queue.Enqueue((top.Symbol, candidate.Count), (candidate.Count, _texts[top.Symbol]));
                continue;
            }
            pieces.Add(_texts[top.Symbol]);
            _learned.Add(top.Symbol);
            // joining can bring two neighbours together whose text is a piece already: the encoder joins those at once
            var waiting = new Queue<int>([top.Symbol]);
            while (waiting.TryDequeue(out var symbol))
                if (_candidates.TryGetValue(symbol, out var next))
                    foreach (var known in Join(symbol, next.Words))
                        waiting.Enqueue(known);
        }
        return pieces;
    }

    // returns the pieces that have been learned already and can be joined now
    private List<int> Join(int symbol, HashSet<int> words)
    {
        var touched = new HashSet<int>();
        foreach (var index in words.Order())
        {
            Count(index, -1, touched);
            var (symbols, count) = _words[index];
            var joined = new List<int>(symbols.Length);
            for (var i = 0; i < symbols.Length; i++)
            {
                if (i + 1 < symbols.Length && Joined(symbols[i], symbols[i + 1]) == symbol)
                {
                    joined.Add(symbol);
                    i++;
                }
                else
                {
                    joined.Add(symbols[i]);
                }
            }
            _words[index] = ([.. joined], count);
            Count(index, 1, touched);
        }
        _candidates.Remove(symbol);
        touched.Remove(symbol);
        foreach (var other in touched)
            if (!_learned.Contains(other) && _candidates.TryGetValue(other, out var candidate) && candidate.Count > 1)
                _queue.Enqueue((other, candidate.Count), (candidate.Count, _texts[other]));
        return [.. touched.Where(other => _learned.Contains(other) && _candidates[other].Count > 0).Order()];
    }

    private void Count(int word, int sign, HashSet<int>? touched = null)
    {
        var (symbols, count) = _words[word];
        for (var i = 0; i + 1 < symbols.Length; i++)
        {
            var symbol = Joined(symbols[i], symbols[i + 1]);
            if (symbol < 0)
                continue;
            ref var candidate = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_candidates, symbol, out var known);
            if (!known)
                candidate.Words = [];
            candidate.Count += sign * count;
            if (sign > 0)
            {
                candidate.Words.Add(word);
                touched?.Add(symbol);
            }
        }
    }

    private int Joined(int left, int right)
    {
        if (_joined.TryGetValue((left, right), out var symbol))
            return symbol;
        var text = _texts[left] + _texts[right];
        return _joined[(left, right)] = text.EnumerateRunes().Count() <= _longest ? IdOf(text) : -1;
    }

    private int IdOf(string text)
    {
        if (_ids.TryGetValue(text, out var id))
            return id;
        _texts.Add(text);
        return _ids[text] = _texts.Count - 1;
    }
}
