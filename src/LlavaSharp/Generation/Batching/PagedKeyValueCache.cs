using LlavaSharp.Kernels;
using LlavaSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaSharp.Generation.Batching;

/// <summary>Keys and values of many sequences in pages of a fixed number of positions. Which pages make up a sequence is said anew for each pass.</summary>
/// <remarks>Pages are made when they are first written, and kept. Not safe for concurrent use.</remarks>
internal sealed class PagedKeyValueCache : KeyValueCache
{
    private readonly Dictionary<(Func<int, int, AttentionMask> Make, int Queries, int Before), AttentionMask> _masks = [];
    private KeyValueRow[] _rows = [];
    private int[] _prompts = [];
    private IReadOnlyList<IReadOnlyList<int>> _tables = [];
    private readonly Dictionary<(DeviceType Type, int Index), Tensor> _slots = [];   // on each device

    private PagedKeyValueCache(LayerCache[] layers, int pagePositions)
        : base(layers) => PagePositions = pagePositions;

    /// <summary>Positions in a page.</summary>
    public int PagePositions { get; }

    /// <summary>The pages of each sequence of the pass.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Tables => _tables;

    /// <inheritdoc/>
    internal override IReadOnlyList<KeyValueRow> Rows => _rows;

    /// <summary>An empty cache.</summary>
    /// <param name="layers">How many layers the model has.</param>
    /// <param name="format">How numbers are kept.</param>
    /// <param name="pages">How many pages there are.</param>
    /// <param name="pagePositions">Positions in a page, a multiple of 8.</param>
    public static PagedKeyValueCache Create(int layers, KeyValueFormat format, int pages, int pagePositions)
    {
        var made = new LayerCache[layers];
        var cache = new PagedKeyValueCache(made, pagePositions);
        for (var i = 0; i < layers; i++)
            made[i] = format == KeyValueFormat.Dense
                ? new PagedDenseLayerCache(cache, pages)
                : new PagedIntegerLayerCache(cache, format == KeyValueFormat.Integer8 ? CacheBits.Eight : CacheBits.Sixteen);
        return cache;
    }

    /// <inheritdoc/>
    internal override int PromptLength(int row) => _prompts[row];

    /// <summary>Begins a pass.</summary>
    /// <param name="rows">The new positions of each sequence.</param>
    /// <param name="prompts">The positions of each sequence's prompt.</param>
    /// <param name="tables">The pages of each sequence, with room for the new positions.</param>
    public void Begin(KeyValueRow[] rows, int[] prompts, IReadOnlyList<IReadOnlyList<int>> tables)
    {
        End();
        (_rows, _prompts, _tables) = (rows, prompts, tables);
        Length = rows.Max(row => row.Start);
    }

    /// <summary>What the queries of a sequence see; made once a pass and device (each has a mask of its own).</summary>
    public AttentionMask Mask(AttentionMask mask, KeyValueRow row)
    {
        var key = (mask.ForRow!, row.Count, row.Start);
        if (!_masks.TryGetValue(key, out var made))
        {
            made = mask.ForRow!(row.Count, row.Start);
            made.Table?.DetachFromDisposeScope();
            _masks[key] = made;
        }
        return made;
    }

    /// <summary>Where the positions of a sequence lie: page * positions + position in the page.</summary>
    public long[] Slots(int row, int first, int count)
    {
        var slots = new long[count];
        for (var i = 0; i < count; i++)
            slots[i] = (long)_tables[row][(first + i) / PagePositions] * PagePositions + (first + i) % PagePositions;
        return slots;
    }

    /// <summary>Where the new positions lie: Int64 [T]; made once a pass and device.</summary>
    public Tensor NewSlots(Device device)
    {
        if (!_slots.TryGetValue((device.type, device.index), out var made))
            _slots[(device.type, device.index)] = made = tensor([.. _rows.SelectMany((row, i) => Slots(i, row.Start, row.Count))], device: device).DetachFromDisposeScope();
        return made;
    }

    /// <summary>Does nothing: lengths are said for each pass.</summary>
    public override void Advance(int count) => End();

    private void End()
    {
        foreach (var mask in _masks.Values)
            mask.Table?.Dispose();
        _masks.Clear();
        foreach (var slots in _slots.Values)
            slots.Dispose();
        _slots.Clear();
    }
}
