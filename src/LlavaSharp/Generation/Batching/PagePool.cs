namespace LlavaSharp.Generation.Batching;

/// <summary>
/// Which pages of the cache of keys and values are in use, and what the others still hold: a page that nobody uses any more keeps its contents until it is needed,
/// and is found again by a hash of all positions up to its end.
/// </summary>
internal sealed class PagePool
{
    private readonly int[] _users;
    private readonly UInt128?[] _contents;
    private readonly Dictionary<UInt128, int> _byContents = [];
    private readonly LinkedList<int> _free = [];   // the next one to be used anew first
    private readonly LinkedListNode<int>[] _nodes;

    /// <param name="pages">How many pages there are.</param>
    public PagePool(int pages)
    {
        (_users, _contents, _nodes) = (new int[pages], new UInt128?[pages], new LinkedListNode<int>[pages]);
        for (var page = 0; page < pages; page++)
            _nodes[page] = _free.AddLast(page);
    }

    /// <summary>How many pages there are.</summary>
    public int Count => _users.Length;

    /// <summary>How many of them nobody uses.</summary>
    public int Free => _free.Count;

    /// <summary>A page of one's own, whose contents are forgotten; null when all are in use.</summary>
    public int? Allocate()
    {
        if (_free.First is not { } node)
            return null;
        _free.Remove(node);
        var page = node.Value;
        _users[page] = 1;
        if (_contents[page] is { } contents)
        {
            _byContents.Remove(contents);
            _contents[page] = null;
        }
        return page;
    }

    /// <summary>The page with these contents, used by one more; null when none has them.</summary>
    public int? Share(UInt128 contents)
    {
        if (!_byContents.TryGetValue(contents, out var page))
            return null;
        if (_users[page]++ == 0)
            _free.Remove(_nodes[page]);
        return page;
    }

    /// <summary>Whether a page with these contents is there, and whether nobody uses it.</summary>
    public (bool IsHeld, bool IsFree) Look(UInt128 contents) => _byContents.TryGetValue(contents, out var page) ? (true, _users[page] == 0) : (false, false);

    /// <summary>Says what a page holds, from now on unchanged, so that others find it. Where another page holds the same, that one is found.</summary>
    public void Publish(int page, UInt128 contents)
    {
        if (_contents[page] is null && _byContents.TryAdd(contents, page))
            _contents[page] = contents;
    }

    /// <summary>One user less.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    public void Release(int page)
    {
        if (_users[page] == 0)
            throw new InvalidOperationException($"Page {page} is released, but nobody uses it.");
        if (--_users[page] > 0)
            return;
        // what cannot be found again is of no use: it goes first
        if (_contents[page] is null)
            _free.AddFirst(_nodes[page]);
        else
            _free.AddLast(_nodes[page]);
    }
}
