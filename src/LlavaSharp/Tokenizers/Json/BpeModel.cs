using System.Text;
using System.Text.Json;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>The byte-pair encoding model of a tokenizer.json: pairs are joined in the order of the list of merges. Immutable.</summary>
internal sealed class BpeModel
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, string> _tokens = [];
    private readonly Dictionary<long, (int Rank, int Id)> _merges = [];
    private readonly int[] _byteIds = new int[256];
    private readonly string? _unknown;
    private readonly string? _prefix;
    private readonly string? _suffix;
    private readonly bool _fuseUnknown;
    private readonly bool _byteFallback;
    private readonly bool _ignoreMerges;
    private readonly string _file;

    public BpeModel(
        Dictionary<string, int> vocabulary,
        IEnumerable<(string Left, string Right)> merges,
        string file,
        string? unknown = null,
        bool fuseUnknown = false,
        bool byteFallback = false,
        bool ignoreMerges = false,
        string? prefix = null,
        string? suffix = null)
    {
        (_ids, _file, _unknown, _fuseUnknown, _byteFallback, _ignoreMerges) = (vocabulary, file, unknown, fuseUnknown, byteFallback, ignoreMerges);
        _prefix = string.IsNullOrEmpty(prefix) ? null : prefix;
        _suffix = string.IsNullOrEmpty(suffix) ? null : suffix;
        foreach (var (token, id) in vocabulary)
            _tokens[id] = token;
        var rank = 0;
        foreach (var (left, right) in merges)
        {
            if (_prefix is not null && !right.StartsWith(_prefix, StringComparison.Ordinal))
                throw new TokenizerException($"'{file}': the merge '{left} {right}' lacks the prefix '{_prefix}'.", file);
            _merges[Key(IdOfPart(left), IdOfPart(right))] = (rank++, IdOfPart(left + right[(_prefix?.Length ?? 0)..]));
        }
        for (var value = 0; value < 256; value++)
            _byteIds[value] = _ids.TryGetValue($"<0x{value:X2}>", out var id) ? id : -1;
    }

    /// <summary>The number of different tokens.</summary>
    public int Count => _ids.Count;

    public IReadOnlyDictionary<string, int> Vocabulary => _ids;

    public IReadOnlyDictionary<long, (int Rank, int Id)> Merges => _merges;

    public int? Find(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    public string? TokenOf(int id) => _tokens.GetValueOrDefault(id);

    public bool IsByte(int id) => _byteFallback && _byteIds.AsSpan().Contains(id);

    public static BpeModel Read(JsonElement model, string file)
    {
        // files before the type was written are byte-pair encodings too, if they have merges
        var type = model.Get("type")?.Text("the model's 'type'", file) ?? (model.Get("merges") is null ? "missing" : "BPE");
        if (type != "BPE")
            throw new TokenizerException($"'{file}': the model '{type}' is not supported; known: BPE.", file);
        if (model.Get("dropout") is { } dropout && !(dropout.ValueKind == JsonValueKind.Number && dropout.TryGetDouble(out var rate) && rate == 0))
            throw new TokenizerException($"'{file}': 'dropout' makes the ids random, which is not supported; set it to null.", file);
        var vocabulary = new Dictionary<string, int>();
        foreach (var (token, id) in model.Entries("vocab", file))
            vocabulary[token] = id.Id($"the id of '{token}'", file);
        if (vocabulary.Count == 0)
            throw new TokenizerException($"'{file}': the vocabulary is empty.", file);
        return new BpeModel(
            vocabulary,
            model.Items("merges", file).Select((merge, i) => ReadMerge(merge, i, file)),
            file,
            model.Get("unk_token")?.Text("'unk_token'", file),
            model.Flag("fuse_unk", false, file),
            model.Flag("byte_fallback", false, file),
            model.Flag("ignore_merges", false, file),
            model.Get("continuing_subword_prefix")?.Text("'continuing_subword_prefix'", file),
            model.Get("end_of_word_suffix")?.Text("'end_of_word_suffix'", file));
    }

    /// <summary>Appends the ids of one word.</summary>
    public void Encode(string word, List<int> ids)
    {
        if (word.Length == 0)
            return;
        if (_ignoreMerges && _ids.TryGetValue(word, out var whole))
        {
            ids.Add(whole);
            return;
        }
        var symbols = Split(word);
        if (symbols.Count == 0)
            return;
        var array = symbols.ToArray();
        Merge(array);
        for (var i = 0; i >= 0; i = array[i].Next)
            ids.Add(array[i].Id);
    }

    private static long Key(int left, int right) => ((long)left << 32) | (uint)right;

    private static (string Left, string Right) ReadMerge(JsonElement merge, int index, string file)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
            return (merge[0].Text($"merge {index}", file), merge[1].Text($"merge {index}", file));
        var text = merge.Text($"merge {index}", file);
        var space = text.IndexOf(' ');
        if (space < 0 || text.IndexOf(' ', space + 1) >= 0)
            throw new TokenizerException($"'{file}': merge {index}, '{text}', is not two tokens with a space between them.", file);
        return (text[..space], text[(space + 1)..]);
    }

    private int IdOfPart(string token) => _ids.TryGetValue(token, out var id)
        ? id
        : throw new TokenizerException($"'{_file}': a merge needs the token '{token}', which the vocabulary lacks.", _file);

    private List<Symbol> Split(string word)
    {
        var symbols = new List<Symbol>(word.Length);
        var lookup = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var unknown = false;
        Span<byte> bytes = stackalloc byte[4];
        for (var i = 0; i < word.Length;)
        {
            var length = TextUtilities.CodePointLength(word, i);
            var character = word.AsSpan(i, length);
            int id;
            var known = (_prefix is null || i == 0) && (_suffix is null || i + length < word.Length)
                ? lookup.TryGetValue(character, out id)
                : _ids.TryGetValue((i > 0 ? _prefix : "") + character.ToString() + (i + length == word.Length ? _suffix : ""), out id);
            i += length;
            if (known)
            {
                FlushUnknown();
                Add(id);
                continue;
            }
            if (_byteFallback)
            {
                var count = Encoding.UTF8.GetBytes(character, bytes);
                var all = true;
                foreach (var value in bytes[..count])
                    all &= _byteIds[value] >= 0;
                if (all)
                {
                    foreach (var value in bytes[..count])
                        Add(_byteIds[value]);
                    continue;
                }
            }
            if (_unknown is null)
                continue; // without an unknown token the character is lost, as in the original
            if (unknown && !_fuseUnknown)
                FlushUnknown();
            unknown = true;
        }
        FlushUnknown();
        if (symbols.Count > 0)
        {
            var last = symbols[^1];
            last.Next = -1;
            symbols[^1] = last;
        }
        return symbols;

        void Add(int id) => symbols.Add(new Symbol { Id = id, Previous = symbols.Count - 1, Next = symbols.Count + 1 });

        void FlushUnknown()
        {
            if (!unknown)
                return;
            unknown = false;
            Add(_ids.TryGetValue(_unknown!, out var id)
                ? id
                : throw new TokenizerException($"'{_file}': the unknown token '{_unknown}' is not in the vocabulary.", _file));
        }
    }

    private void Merge(Symbol[] symbols)
    {
        var queue = new PriorityQueue<(int Position, int Id), ulong>();
        for (var i = 0; i + 1 < symbols.Length; i++)
            Offer(i);
        while (queue.TryDequeue(out var top, out _))
        {
            ref var left = ref symbols[top.Position];
            if (left.Gone || left.Next < 0)
                continue;
            ref var right = ref symbols[left.Next];
            if (!_merges.TryGetValue(Key(left.Id, right.Id), out var merge) || merge.Id != top.Id)
                continue; // one of the two has been joined with another since
            left.Id = merge.Id;
            right.Gone = true;
            left.Next = right.Next;
            if (left.Next >= 0)
                symbols[left.Next].Previous = top.Position;
            if (left.Previous >= 0)
                Offer(left.Previous);
            Offer(top.Position);
        }

        void Offer(int position)
        {
            var next = symbols[position].Next;
            if (next >= 0 && _merges.TryGetValue(Key(symbols[position].Id, symbols[next].Id), out var merge))
                queue.Enqueue((position, merge.Id), ((ulong)(uint)merge.Rank << 32) | (uint)position);
        }
    }

    private struct Symbol
    {
        public int Id;
        public int Previous;
        public int Next;
        public bool Gone;
    }
}
