using System.Runtime.CompilerServices;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Generation.Constraints;

/// <summary>The bytes of all tokens of a vocabulary as a tree, in which tokens that begin alike are looked at together.</summary>
/// <remarks>Instances never change: safe for concurrent use.</remarks>
internal sealed class TokenTrie
{
    private static readonly ConditionalWeakTable<Tokenizer, TokenTrie> _known = [];

    private readonly byte[]?[] _bytes;     // by id
    private readonly byte[] _value;        // of each node, in the order of a walk that goes deep first
    private readonly short[] _depth;       // of each node, from 1
    private readonly int[] _behind;        // the node behind all those below it
    private readonly int[] _tokens;        // the first of its tokens in _sorted
    private readonly int[] _sorted;        // ids by their bytes
    private readonly int _deepest;

    private TokenTrie(Tokenizer tokenizer)
    {
        Count = tokenizer.Count;
        _bytes = new byte[]?[Count];
        for (var id = 0; id < Count; id++)
            _bytes[id] = tokenizer.TokenBytes(id) is { Length: > 0 and <= short.MaxValue } bytes ? bytes : null;
        _sorted = [.. Enumerable.Range(0, Count).Where(id => _bytes[id] is not null)];
        Array.Sort(_sorted, (left, right) => _bytes[left].AsSpan().SequenceCompareTo(_bytes[right]) is not 0 and var order ? order : left.CompareTo(right));
        var (value, depth, tokens) = (new List<byte>(), new List<short>(), new List<int>());
        ReadOnlySpan<byte> before = [];
        for (var i = 0; i < _sorted.Length; i++)
        {
            var bytes = _bytes[_sorted[i]].AsSpan();
            for (var at = before.CommonPrefixLength(bytes); at < bytes.Length; at++)
            {
                value.Add(bytes[at]);
                depth.Add((short)(at + 1));
                tokens.Add(i);
            }
            before = bytes;
            _deepest = Math.Max(_deepest, bytes.Length);
        }
        (_value, _depth, _tokens) = ([.. value], [.. depth], [.. tokens, _sorted.Length]);
        _behind = new int[_value.Length];
        var last = new int[_deepest + 2];
        Array.Fill(last, _value.Length);
        for (var node = _value.Length - 1; node >= 0; node--)
        {
            // whatever is deeper ends here for those in front
            _behind[node] = last[_depth[node]];
            last.AsSpan(_depth[node]).Fill(node);
        }
    }

    /// <summary>The number of ids.</summary>
    public int Count { get; }

    /// <summary>The tree of a tokenizer, made when it is first asked for.</summary>
    /// <exception cref="TokenizerException">The tokens have no bytes of their own, or do not cover the characters that JSON is made of.</exception>
    public static TokenTrie Of(Tokenizer tokenizer)
    {
        // tokens may have been added since
        if (_known.TryGetValue(tokenizer, out var known) && known.Count == tokenizer.Count)
            return known;
        var trie = new TokenTrie(tokenizer);
        trie.RequirePrintable();
        _known.AddOrUpdate(tokenizer, trie);
        return trie;
    }

    /// <summary>The bytes that a token adds; null for ids that add none.</summary>
    public byte[]? Bytes(int id) => id >= 0 && id < _bytes.Length ? _bytes[id] : null;

    /// <summary>The tokens that may come next.</summary>
    public TokenSet Allowed(Automaton automaton, AutomatonState state)
    {
        var allowed = new TokenSet(Count);
        var path = new AutomatonState[_deepest + 1];
        path[0] = state;
        for (var node = 0; node < _value.Length;)
        {
            var depth = _depth[node];
            if (automaton.Next(path[depth - 1], _value[node]) is not { } next)
            {
                node = _behind[node];
                continue;
            }
            path[depth] = next;
            for (var i = _tokens[node]; i < _sorted.Length && _bytes[_sorted[i]]!.Length == depth && i < TokenEnd(node); i++)
                allowed.Add(_sorted[i]);
            node++;
        }
        return allowed;
    }

    // a node's own tokens come before those of the nodes below it
    private int TokenEnd(int node) => _behind[node] < _value.Length ? _tokens[_behind[node]] : _sorted.Length;

    private void RequirePrintable()
    {
        var single = _bytes.Where(bytes => bytes is { Length: 1 }).Select(bytes => bytes![0]).ToHashSet();
        for (byte value = 0x20; value < 0x7F; value++)
            if (!single.Contains(value))
                throw new TokenizerException($"The vocabulary has no token that writes '{(char)value}' wherever it stands, so answers cannot be held to JSON with it.");
    }
}
