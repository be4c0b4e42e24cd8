using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LlavaSharp.Kernels;

/// <summary>
/// The keys and values of one layer, rounded to integers of 16 or 8 bits with one scale a position and head, in blocks of positions. Rows (sequences)
/// may have different lengths, and share blocks until one of them writes.
/// </summary>
/// <remarks>
/// A block of P positions is, for keys and then for values, for head after head: P single-precision scales, then [P][width] integers, the width filled up with zeros
/// to a multiple of 16. Not safe for concurrent use.
/// </remarks>
internal sealed unsafe class KeyValueStore : IDisposable
{
    /// <summary>Positions in a block when nobody says otherwise.</summary>
    public const int UsualBlockPositions = 256;

    private const int WidthStep = 16;
    private readonly nuint _headBytes;
    private readonly int _scaleBytes;
    private readonly Dictionary<int, Block> _pages = [];
    private List<Block>[] _rows = [];
    private KeyValueRow[] _spans = [];
    private AppendWork? _append;
    private AttentionWork? _attend;
    private RestoreWork? _restore;

    /// <summary>An empty store.</summary>
    /// <param name="groups">Heads of keys and values.</param>
    /// <param name="width">Numbers a head.</param>
    /// <param name="bits">Bits a number.</param>
    /// <param name="blockPositions">Positions in a block, a multiple of 8.</param>
    public KeyValueStore(int groups, int width, CacheBits bits, int blockPositions = UsualBlockPositions)
    {
        (Groups, Width, Bits, BlockPositions) = (groups, width, bits, blockPositions);
        PaddedWidth = PadWidth(width);
        _scaleBytes = blockPositions * sizeof(float);
        _headBytes = (nuint)(_scaleBytes + blockPositions * PaddedWidth * (int)bits / 8);
    }

    /// <summary>Positions in a block.</summary>
    public int BlockPositions { get; }

    /// <summary>Heads of keys and values.</summary>
    public int Groups { get; }

    /// <summary>Numbers a head.</summary>
    public int Width { get; }

    /// <summary>Numbers that a head takes.</summary>
    public int PaddedWidth { get; }

    /// <summary>Bits a number.</summary>
    public CacheBits Bits { get; }

    /// <summary>The sequences held.</summary>
    public int Rows => _rows.Length;

    /// <summary>The bytes that a position takes.</summary>
    public static long PositionBytes(int groups, int width, CacheBits bits) => 2L * groups * (sizeof(float) + PadWidth(width) * (int)bits / 8);

    /// <summary>Makes pages the rows: row i is what pages <paramref name="tables"/>[i] hold one after the other. A page that was never used is made when it is written.</summary>
    public void UsePages(IReadOnlyList<IReadOnlyList<int>> tables)
    {
        var bytes = BlockBytes;
        _rows = new List<Block>[tables.Count];
        for (var row = 0; row < _rows.Length; row++)
        {
            var blocks = _rows[row] = new(tables[row].Count);
            foreach (var page in tables[row])
            {
                if (!_pages.TryGetValue(page, out var block))
                    _pages[page] = block = new Block(bytes);
                blocks.Add(block);
            }
        }
    }

    /// <summary>Stores as many new positions for each sequence.</summary>
    /// <param name="rows">Sequences; the first call decides, later ones give as many.</param>
    /// <param name="start">The first position; all before it are stored.</param>
    /// <param name="count">How many positions.</param>
    /// <param name="keys">[rows][count][groups][width].</param>
    /// <param name="values">As the keys.</param>
    /// <param name="threads">What computes.</param>
    /// <exception cref="ArgumentException">Another number of sequences.</exception>
    public void Append(int rows, int start, int count, float* keys, float* values, KernelThreads threads) => Append(Alike(rows, start, count), keys, values, threads);

    /// <summary>Stores new positions.</summary>
    /// <param name="rows">One for each sequence; the first call decides how many there are.</param>
    /// <param name="keys">[positions of row after row][groups][width].</param>
    /// <param name="values">As the keys.</param>
    /// <param name="threads">What computes.</param>
    /// <exception cref="ArgumentException">Another number of sequences.</exception>
    public void Append(ReadOnlySpan<KeyValueRow> rows, float* keys, float* values, KernelThreads threads)
    {
        if (_rows.Length == 0)
            _rows = [.. Enumerable.Range(0, rows.Length).Select(_ => new List<Block>())];
        if (rows.Length != _rows.Length)
            throw new ArgumentException($"The store holds {_rows.Length} sequences; keys of {rows.Length} were given.", nameof(rows));
        var tokens = 0;
        for (var row = 0; row < rows.Length; row++)
        {
            MakeRoom(_rows[row], rows[row].Start, rows[row].Count);
            tokens += rows[row].Count;
        }
        var work = _append ??= new(this);
        work.Keys = keys;
        work.Values = values;
        work.Spans.Set(rows);
        var parts = rows.Length * Groups;
        if ((long)tokens * Groups * Width < KernelThreads.WorthSharing)
            for (var part = 0; part < parts; part++)
                work.RunPart(part);
        else
            threads.Run(work, parts);
    }

    /// <summary>softmax(q k^T scale) v for as many new positions of each sequence, each of which sees itself and what is before it.</summary>
    /// <param name="start">The first new position.</param>
    /// <param name="count">How many; they are stored already.</param>
    /// <param name="heads">Heads of queries, a multiple of the groups; head h reads group h / (heads / groups).</param>
    /// <param name="window">How many positions back a query sees, itself included; null: all.</param>
    /// <param name="scale">What scores are multiplied by.</param>
    /// <param name="q">[rows][count][heads][width].</param>
    /// <param name="y">As the queries.</param>
    /// <param name="threads">What computes.</param>
    public void Attend(int start, int count, int heads, int? window, float scale, float* q, float* y, KernelThreads threads) =>
        Attend(0, Alike(_rows.Length, start, count), heads, window, scale, q, y, threads);

    /// <summary>The same for sequences of different lengths.</summary>
    /// <param name="firstRow">The first sequence.</param>
    /// <param name="rows">The new positions of it and of those that follow; they are stored already.</param>
    /// <param name="heads">Heads of queries, a multiple of the groups; head h reads group h / (heads / groups).</param>
    /// <param name="window">How many positions back a query sees, itself included; null: all.</param>
    /// <param name="scale">What scores are multiplied by.</param>
    /// <param name="q">[positions of row after row][heads][width].</param>
    /// <param name="y">As the queries.</param>
    /// <param name="threads">What computes.</param>
    public void Attend(int firstRow, ReadOnlySpan<KeyValueRow> rows, int heads, int? window, float scale, float* q, float* y, KernelThreads threads)
    {
        var work = _attend ??= new(this);
        work.Q = q;
        work.Y = y;
        work.Spans.Set(rows);
        (work.FirstRow, work.Heads, work.Window, work.Scale) = (firstRow, heads, window ?? int.MaxValue, scale);
        threads.Run(work, rows.Length * Groups);
    }

    /// <summary>The stored numbers again.</summary>
    /// <param name="length">Positions, from the first on.</param>
    /// <param name="keys">[rows][groups][length][width].</param>
    /// <param name="values">As the keys.</param>
    /// <param name="threads">What computes.</param>
    public void Restore(int length, float* keys, float* values, KernelThreads threads) => Restore(0, _rows.Length, length, keys, values, threads);

    /// <summary>The stored numbers of some sequences again.</summary>
    /// <param name="firstRow">The first sequence.</param>
    /// <param name="rows">How many.</param>
    /// <param name="length">Positions, from the first on.</param>
    /// <param name="keys">[rows][groups][length][width].</param>
    /// <param name="values">As the keys.</param>
    /// <param name="threads">What computes.</param>
    public void Restore(int firstRow, int rows, int length, float* keys, float* values, KernelThreads threads)
    {
        var work = _restore ??= new(this);
        work.Keys = keys;
        work.Values = values;
        (work.FirstRow, work.Length) = (firstRow, length);
        threads.Run(work, rows * Groups);
    }

    /// <summary>Row i becomes what row <paramref name="rows"/>[i] was.</summary>
    public void Reorder(ReadOnlySpan<long> rows)
    {
        var chosen = new List<Block>[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            chosen[i] = [.. _rows[rows[i]]];
            foreach (var block in chosen[i])
                block.Owners++;
        }
        Release();
        _rows = chosen;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_pages.Count == 0)
            Release();
        foreach (var page in _pages.Values)
            page.Release();
        _pages.Clear();
        _rows = [];
    }

    /// <summary>The first byte of a head's keys or values in a block: its scales.</summary>
    internal byte* Head(int row, int block, int group, bool values) => _rows[row][block].Memory + (nuint)((values ? Groups : 0) + group) * _headBytes;

    private static int PadWidth(int width) => (width + WidthStep - 1) / WidthStep * WidthStep;

    private nuint BlockBytes => _headBytes * (nuint)(2 * Groups);

    private ReadOnlySpan<KeyValueRow> Alike(int rows, int start, int count)
    {
        if (_spans.Length < rows)
            _spans = new KeyValueRow[rows];
        var spans = _spans.AsSpan(0, rows);
        spans.Fill(new(start, count));
        return spans;
    }

    private void Release()
    {
        foreach (var row in _rows)
            foreach (var block in row)
                block.Release();
    }

    // room for the positions, in blocks that no other row reads
    private void MakeRoom(List<Block> row, int start, int count)
    {
        var bytes = BlockBytes;
        for (var index = start / BlockPositions; index <= (start + count - 1) / BlockPositions; index++)
        {
            if (index == row.Count)
            {
                row.Add(new Block(bytes));
            }
            else if (row[index].Owners > 1)
            {
                var own = new Block(bytes);
                NativeMemory.Copy(row[index].Memory, own.Memory, bytes);
                row[index].Release();
                row[index] = own;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Restore(byte* head, int position, float* target)
    {
        var scale = ((float*)head)[position];
        var first = head + _scaleBytes + (nint)position * PaddedWidth * (int)Bits / 8;
        var i = 0;
        for (; i + Vector256<float>.Count <= Width; i += Vector256<float>.Count)
        {
            var values = Bits == CacheBits.Sixteen ? AttentionKernel.Widen((short*)first + i) : AttentionKernel.Widen((sbyte*)first + i);
            (values * scale).Store(target + i);
        }
        for (; i < Width; i++)
            target[i] = scale * (Bits == CacheBits.Sixteen ? ((short*)first)[i] : ((sbyte*)first)[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Put(byte* head, int position, float* source)
    {
        const int Lanes = 8;
        var most = Bits == CacheBits.Sixteen ? short.MaxValue : sbyte.MaxValue;
        var largest = 0f;   // NaN when a number is
        var seen = Vector256<float>.Zero;
        var done = 0;
        for (; done + Lanes <= Width; done += Lanes)
            seen = Vector256.Max(seen, Vector256.Abs(Vector256.Load(source + done)));
        for (var i = 0; i < Lanes; i++)
            largest = Math.Max(largest, seen[i]);
        for (; done < Width; done++)
            largest = Math.Max(largest, Math.Abs(source[done]));
        var inverse = most / largest;
        var usable = float.IsFinite(inverse) && float.IsFinite(largest);
        ((float*)head)[position] = usable ? largest / most : float.IsFinite(largest) ? 0 : float.NaN;
        var first = head + _scaleBytes + (nint)position * PaddedWidth * (int)Bits / 8;
        done = 0;
        for (; usable && done + Lanes <= Width; done += Lanes)
        {
            var values = Vector256.ConvertToInt32(Vector256.Round(Vector256.Load(source + done) * inverse));
            var narrow = Vector128.Narrow(values.GetLower(), values.GetUpper());
            if (Bits == CacheBits.Sixteen)
                narrow.Store((short*)first + done);
            else
                Vector128.Narrow(narrow, narrow).GetLower().Store((sbyte*)first + done);
        }
        for (var i = done; i < PaddedWidth; i++)
        {
            var value = usable && i < Width ? (int)MathF.Round(source[i] * inverse) : 0;
            if (Bits == CacheBits.Sixteen)
                ((short*)first)[i] = (short)value;
            else
                ((sbyte*)first)[i] = (sbyte)value;
        }
    }

    private sealed class Block(nuint bytes)
    {
        public readonly byte* Memory = LargePages.Allocate(bytes);

        public int Owners = 1;

        public void Release()
        {
            if (--Owners == 0)
                NativeMemory.AlignedFree(Memory);
        }
    }

    // the new positions of the sequences, and where in the batch they lie
    private sealed class RowSpans
    {
        private KeyValueRow[] _rows = [];
        private int[] _offsets = [];

        public KeyValueRow this[int row] => _rows[row];

        public void Set(ReadOnlySpan<KeyValueRow> rows)
        {
            if (_rows.Length < rows.Length)
                (_rows, _offsets) = (new KeyValueRow[rows.Length], new int[rows.Length]);
            rows.CopyTo(_rows);
            for (int row = 0, offset = 0; row < rows.Length; offset += rows[row++].Count)
                _offsets[row] = offset;
        }

        public int Offset(int row) => _offsets[row];
    }

    private sealed class AppendWork(KeyValueStore store) : KernelWork
    {
        public readonly RowSpans Spans = new();
        public float* Keys;
        public float* Values;

        public override void RunPart(int part)
        {
            var (row, group) = (part / store.Groups, part % store.Groups);
            var (start, count) = Spans[row];
            for (var i = 0; i < count; i++)
            {
                var position = start + i;
                var source = (((nint)Spans.Offset(row) + i) * store.Groups + group) * store.Width;
                var (block, at) = (position / store.BlockPositions, position % store.BlockPositions);
                store.Put(store.Head(row, block, group, false), at, Keys + source);
                store.Put(store.Head(row, block, group, true), at, Values + source);
            }
        }
    }

    private sealed class RestoreWork(KeyValueStore store) : KernelWork
    {
        public float* Keys;
        public float* Values;
        public int FirstRow;
        public int Length;

        public override void RunPart(int part)
        {
            var (row, group) = (FirstRow + part / store.Groups, part % store.Groups);
            for (var position = 0; position < Length; position++)
            {
                var target = ((nint)part * Length + position) * store.Width;
                var (block, at) = (position / store.BlockPositions, position % store.BlockPositions);
                store.Restore(store.Head(row, block, group, false), at, Keys + target);
                store.Restore(store.Head(row, block, group, true), at, Values + target);
            }
        }
    }

    private sealed class AttentionWork(KeyValueStore store) : KernelWork
    {
        public readonly RowSpans Spans = new();
        public float* Q;
        public float* Y;
        public int FirstRow;
        public int Heads;
        public int Window;
        public float Scale;

        public override void RunPart(int part)
        {
            var (row, group) = (part / store.Groups, part % store.Groups);
            var (start, count) = Spans[row];
            var shared = Heads / store.Groups;
            for (var token = 0; token < count; token++)
            {
                for (var head = group * shared; head < (group + 1) * shared; head++)
                {
                    var at = (((nint)Spans.Offset(row) + token) * Heads + head) * store.Width;
                    var position = start + token;
                    AttentionKernel.Attend(store, FirstRow + row, group, Math.Max(0, position - (long)Window + 1), position + 1, Scale, Q + at, Y + at);
                }
            }
        }
    }
}
