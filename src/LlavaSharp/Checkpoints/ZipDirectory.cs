using System.Buffers.Binary;
using System.Text;

namespace LlavaSharp.Checkpoints;

/// <summary>The entries of a mapped zip archive (zip64 included): where each one's stored bytes lie.</summary>
internal sealed class ZipDirectory
{
    private const int EndRecordBytes = 22;

    private readonly TensorMemory _map;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    public ZipDirectory(TensorMemory map)
    {
        _map = map;
        Read();
    }

    public IEnumerable<string> Names => _entries.Keys;

    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>Where an entry's bytes lie in the file.</summary>
    /// <exception cref="CheckpointException">It is missing, compressed, encrypted, or lies outside the file.</exception>
    public (long Offset, long Length) Locate(string name)
    {
        if (!_entries.TryGetValue(name, out var entry))
            throw Fail($"it has no entry '{name}'");
        if ((entry.Flags & 1) != 0)
            throw Fail($"its entry '{name}' is encrypted");
        if (entry.Method != 0 || entry.Compressed != entry.Size)
            throw Fail($"its entry '{name}' is compressed, so it cannot be mapped. Save the file again with torch.save, which stores entries as they are");
        if (entry.Header > _map.Length - 30 || Word(entry.Header) != 0x04034b50)
            throw Fail($"its entry '{name}' does not begin where the directory says");
        var start = entry.Header + 30 + Half(entry.Header + 26) + Half(entry.Header + 28);
        if (start > _map.Length || entry.Size > _map.Length - start)
            throw Fail($"its entry '{name}' claims {entry.Size} bytes from {start}, past the end of the file ({_map.Length} bytes): it is truncated");
        return (start, entry.Size);
    }

    private void Read()
    {
        var end = FindEndRecord();
        long count = Half(end + 10), size = Word(end + 12), offset = Word(end + 16);
        if (end >= 20 && Word(end - 20) == 0x07064b50)
        {
            var record = Long(end - 12);
            if (record < 0 || record > _map.Length - 56 || Word(record) != 0x06064b50)
                throw Fail("its zip64 end record is missing");
            (count, size, offset) = (Long(record + 32), Long(record + 40), Long(record + 48));
        }
        if (size < 0 || offset < 0 || offset > end || size > end - offset || count < 0 || count > size / 46)
            throw Fail("its directory lies outside the file");
        var position = offset;
        var last = offset + size;
        for (long i = 0; i < count; i++)
            position = ReadEntry(position, last);
    }

    private long ReadEntry(long position, long last)
    {
        if (position > last - 46 || Word(position) != 0x02014b50)
            throw Fail("its directory is malformed");
        int nameLength = Half(position + 28), extraLength = Half(position + 30), commentLength = Half(position + 32);
        var next = position + 46 + nameLength + extraLength + commentLength;
        if (next > last)
            throw Fail("its directory is malformed");
        long compressed = Word(position + 20), size = Word(position + 24), header = Word(position + 42);
        ReadZip64(_map.Span(position + 46 + nameLength, extraLength), ref size, ref compressed, ref header);
        if (compressed < 0 || size < 0 || header < 0)
            throw Fail("its directory is malformed");
        var name = Encoding.UTF8.GetString(_map.Span(position + 46, nameLength));
        if (!_entries.TryAdd(name, new(Half(position + 8), Half(position + 10), compressed, size, header)))
            throw Fail($"it has two entries '{name}'");
        return next;
    }

    private static void ReadZip64(ReadOnlySpan<byte> extra, ref long size, ref long compressed, ref long header)
    {
        while (extra.Length >= 4)
        {
            var id = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            var length = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]), extra.Length - 4);
            var field = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (id != 1)
                continue;
            // the fields are there only for values that did not fit, in this order
            Take(ref field, ref size);
            Take(ref field, ref compressed);
            Take(ref field, ref header);
        }

        static void Take(ref ReadOnlySpan<byte> field, ref long value)
        {
            if (value != uint.MaxValue)
                return;
            value = field.Length >= 8 ? BinaryPrimitives.ReadInt64LittleEndian(field) : -1;
            field = field.Length >= 8 ? field[8..] : [];
        }
    }

    private long FindEndRecord()
    {
        var first = Math.Max(0, _map.Length - EndRecordBytes - ushort.MaxValue);
        var tail = _map.Span(first, (int)(_map.Length - first));
        for (var i = tail.Length - EndRecordBytes; i >= 0; i--)
            if (tail[i] == 'P' && BinaryPrimitives.ReadUInt32LittleEndian(tail[i..]) == 0x06054b50)
                return first + i;
        throw Fail("its zip directory is missing at the end: it is truncated, and a download was probably cut off");
    }

    private CheckpointException Fail(string what) => new($"'{_map.Path}' is not a readable PyTorch file: {what}.", _map.Path);

    private ushort Half(long at) => BinaryPrimitives.ReadUInt16LittleEndian(_map.Span(at, 2));

    private uint Word(long at) => BinaryPrimitives.ReadUInt32LittleEndian(_map.Span(at, 4));

    private long Long(long at) => BinaryPrimitives.ReadInt64LittleEndian(_map.Span(at, 8));

    private readonly record struct Entry(ushort Flags, ushort Method, long Compressed, long Size, long Header);
}
