using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace LlavaSharp.Generation.Batching;

/// <summary>What the scheduler knows of a request: what stands at its positions, how many of them are computed, and in which pages.</summary>
/// <param name="client">Who asks; the same text for all that share their turns.</param>
/// <param name="salt">Sequences share pages only with those of the same salt (the adapter).</param>
/// <param name="mayShare">Whether its pages may be those of other sequences.</param>
internal class ScheduledSequence(string client, UInt128 salt = default, bool mayShare = true)
{
    private readonly List<PositionKey> _contents = [];
    private readonly List<UInt128> _hashes = [];   // of all positions up to the end of each full page

    /// <summary>Who asks.</summary>
    public string Client { get; } = client;

    /// <summary>Whether the contents of the prompt are known.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Positions of the prompt.</summary>
    public int PromptLength { get; private set; }

    /// <summary>All positions: prompt and generated tokens.</summary>
    public int Length => _contents.Count;

    /// <summary>The positions whose keys and values are held.</summary>
    public int Computed { get; internal set; }

    /// <summary>The pages that hold them.</summary>
    public List<int> Pages { get; } = [];

    /// <summary>The positions of the prompt that did not have to be computed when it was first taken up.</summary>
    public int Reused { get; internal set; }

    /// <summary>Whether it was taken up before.</summary>
    public bool WasAdmitted { get; internal set; }

    /// <summary>The positions that are still to be computed.</summary>
    public int Remaining => Length - Computed;

    /// <summary>Whether its pages may be those of other sequences.</summary>
    public bool MayShare => mayShare;

    /// <summary>Gives the contents of the prompt.</summary>
    public void SetPrompt(ReadOnlySpan<PositionKey> contents)
    {
        _contents.AddRange(contents);
        PromptLength = contents.Length;
        IsReady = true;
    }

    /// <summary>Adds a generated token.</summary>
    public void Append(int id) => _contents.Add(new(id));

    /// <summary>The id of a position.</summary>
    public int Id(int position) => _contents[position].Id;

    /// <summary>The hash of all positions up to the end of a page that is full.</summary>
    public UInt128 Hash(int page, int pagePositions)
    {
        while (_hashes.Count <= page)
        {
            var next = CollectionsMarshal.AsSpan(_contents).Slice(_hashes.Count * pagePositions, pagePositions);
            var hash = new XxHash128();
            hash.Append(MemoryMarshal.AsBytes([_hashes.Count == 0 ? salt : _hashes[^1]]));
            foreach (var key in next)
            {
                hash.Append(MemoryMarshal.AsBytes([key.Id]));
                hash.Append(MemoryMarshal.AsBytes([key.Picture]));
            }
            _hashes.Add(hash.GetCurrentHashAsUInt128());
        }
        return _hashes[page];
    }
}
