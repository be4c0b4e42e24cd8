using System.Buffers.Binary;
using System.Text;

namespace LlavaSharp.Native;

/// <summary>
/// The symbol versions of a 64-bit little-endian ELF shared object: what it asks for, what it offers, and what is bound to them.
/// Every read is checked against the file's length, every loop against a limit: the bytes are foreign.
/// </summary>
internal sealed class ElfFile
{
    internal const int HeaderSize = 64;
    private const int MostSegments = 1024;
    private const int MostDynamicEntries = 4096;
    private const int MostVersions = 4096;
    private const int LongestName = 256;
    private const ushort SharedObject = 3;
    private const ushort WeakFlag = 2;
    private const ushort VersionIndexMask = 0x7fff;

    private enum Tag : long
    {
        Null = 0, Needed = 1, PltRelSize = 2, StrTab = 5, SymTab = 6, Rela = 7, RelaSize = 8, StrSize = 10, Rel = 17, RelSize = 18,
        PltRel = 20, JmpRel = 23, VerSym = 0x6ffffff0, VerDef = 0x6ffffffc, VerDefNum = 0x6ffffffd, VerNeed = 0x6ffffffe, VerNeedNum = 0x6fffffff,
    }

    private readonly byte[] _bytes;
    private readonly string _name;
    private readonly List<(ulong Address, ulong Offset, ulong Size)> _segments = [];
    private readonly Dictionary<Tag, ulong> _dynamic = [];
    private readonly List<ulong> _needed = [];

    private ElfFile(byte[] bytes, string name)
    {
        _bytes = bytes;
        _name = name;
        Machine = CheckHeader(bytes, name);
        ReadSegments();
        Needed = [.. _needed.Select(ReadString)];
        VersionNeeds = ReadVersionNeeds();
        DefinedVersions = ReadDefinedVersions();
    }

    /// <summary>The processor's number (62: x64, 183: arm64).</summary>
    public ushort Machine { get; }

    /// <summary>The libraries that this one needs, in order.</summary>
    public IReadOnlyList<string> Needed { get; }

    /// <summary>The symbol versions that this file asks of others.</summary>
    public IReadOnlyList<ElfVersionNeed> VersionNeeds { get; }

    /// <summary>The symbol versions that this file offers.</summary>
    public IReadOnlySet<string> DefinedVersions { get; }

    /// <summary>Reads the tables of a shared object; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="NativeLibraryException">The bytes are no such file, or its tables point outside of it.</exception>
    public static ElfFile Parse(byte[] bytes, string name) => new(bytes, name);

    /// <summary>Checks the first 64 bytes of a file and returns its processor's number.</summary>
    /// <exception cref="NativeLibraryException">The bytes do not begin a 64-bit little-endian shared object.</exception>
    public static ushort CheckHeader(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.Length < HeaderSize || !bytes.StartsWith("\x7f"u8) || !bytes[1..4].SequenceEqual("ELF"u8))
            throw new NativeLibraryException($"{name} is not an ELF file: it may be damaged or made for another system. Restore the packages again.", name);
        if (bytes[4] != 2 || bytes[5] != 1)
            throw new NativeLibraryException($"{name} is not a 64-bit little-endian ELF file; only those are understood.", name);
        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[16..]) != SharedObject)
            throw new NativeLibraryException($"{name} is an ELF file but not a shared library.", name);
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]);
    }

    /// <summary>
    /// Checks that a file on disk is a whole shared object, and returns its processor's number. Only the headers are read. A file cut short
    /// must be caught here: the system's loader maps it, and the process dies at the first missing page.
    /// </summary>
    /// <exception cref="NativeLibraryException">The file is no such file, or ends before its segments or its section table do.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ushort CheckWhole(string path)
    {
        using var stream = File.OpenRead(path);
        var header = new byte[HeaderSize];
        var machine = CheckHeader(header.AsSpan(0, stream.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false)), path);
        var length = (ulong)stream.Length;
        var sections = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(40));
        var sectionBytes = (ulong)BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(58)) * BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(60));
        var programs = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(32));
        int size = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(54)), count = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(56));
        var whole = Fits(sections, sectionBytes) && count is > 0 and <= MostSegments && size >= 56 && Fits(programs, (ulong)(size * count));
        if (whole)
        {
            var table = new byte[size * count];
            stream.Position = (long)programs;
            stream.ReadExactly(table);
            for (var i = 0; i < count && whole; i++)
            {
                var segment = table.AsSpan(size * i);
                whole = BinaryPrimitives.ReadUInt32LittleEndian(segment) != 1
                    || Fits(BinaryPrimitives.ReadUInt64LittleEndian(segment[8..]), BinaryPrimitives.ReadUInt64LittleEndian(segment[32..]));
            }
        }
        return whole ? machine : throw new NativeLibraryException($"{path} is not whole: it has {length} bytes, fewer than its own headers tell of. Restore the packages again.", path);

        bool Fits(ulong offset, ulong bytes) => offset <= length && bytes <= length - offset;
    }

    /// <summary>The names (at most eight) of the symbols with this version that any relocation refers to: those that the loader must find.</summary>
    public IReadOnlyCollection<string> SymbolsBoundTo(ushort versionIndex)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        Scan(Tag.Rela, Tag.RelaSize, 24);
        Scan(Tag.Rel, Tag.RelSize, 16);
        Scan(Tag.JmpRel, Tag.PltRelSize, _dynamic.GetValueOrDefault(Tag.PltRel) == (ulong)Tag.Rel ? 16 : 24);
        return found;

        void Scan(Tag table, Tag size, int entry)
        {
            if (!_dynamic.TryGetValue(table, out var address) || !_dynamic.TryGetValue(size, out var length) || length == 0)
                return;
            var versions = OffsetOf(Required(Tag.VerSym));
            var symbols = OffsetOf(Required(Tag.SymTab));
            var start = OffsetOf(address);
            CheckRange(start, length);
            for (var at = start; at + entry <= start + (long)length && found.Count < 8; at += entry)
            {
                long symbol = U32(at + 12);
                if (symbol != 0 && (U16(versions + 2 * symbol) & VersionIndexMask) == versionIndex)
                    found.Add(ReadString(U32(symbols + 24 * symbol)));
            }
        }
    }

    private void ReadSegments()
    {
        var table = (long)Math.Min(U64(32), long.MaxValue);
        int size = U16(54), count = U16(56);
        if (table > _bytes.Length || count > MostSegments || (count > 0 && size < 56))
            throw Broken("its program headers are not plausible");
        (long Offset, ulong Size)? dynamic = null;
        for (var i = 0; i < count; i++)
        {
            var at = table + (long)i * size;
            var type = U32(at);
            if (type == 1)
                _segments.Add((U64(at + 16), U64(at + 8), U64(at + 32)));
            else if (type == 2)
                dynamic = ((long)Math.Min(U64(at + 8), long.MaxValue), U64(at + 32));
        }
        if (dynamic is not { } found)
            throw Broken("it has no dynamic section");
        CheckRange(found.Offset, found.Size);
        for (var i = 0; (ulong)i < found.Size / 16; i++)
        {
            if (i >= MostDynamicEntries)
                throw Broken("its dynamic section is too long");
            var tag = (Tag)U64(found.Offset + 16L * i);
            var value = U64(found.Offset + 16L * i + 8);
            if (tag == Tag.Null)
                break;
            if (tag == Tag.Needed)
                _needed.Add(value);
            else
                _dynamic[tag] = value;
        }
    }

    private List<ElfVersionNeed> ReadVersionNeeds()
    {
        var needs = new List<ElfVersionNeed>();
        if (!_dynamic.TryGetValue(Tag.VerNeed, out var address))
            return needs;
        var at = OffsetOf(address);
        for (ulong i = 0, count = Required(Tag.VerNeedNum); i < count; i++)
        {
            if (i >= MostVersions || U16(at) != 1)
                throw Broken("its version requirements are not plausible");
            var library = ReadString(U32(at + 4));
            var entry = at + U32(at + 8);
            for (int j = 0, entries = U16(at + 2); j < entries; j++)
            {
                if (needs.Count >= MostVersions)
                    throw Broken("it asks for too many versions");
                needs.Add(new(library, ReadString(U32(entry + 8)), (ushort)(U16(entry + 6) & VersionIndexMask), (U16(entry + 4) & WeakFlag) != 0, entry + 4));
                var next = U32(entry + 12);
                if (next == 0)
                    break;
                entry += next;
            }
            var step = U32(at + 12);
            if (step == 0)
                break;
            at += step;
        }
        return needs;
    }

    private HashSet<string> ReadDefinedVersions()
    {
        var versions = new HashSet<string>(StringComparer.Ordinal);
        if (!_dynamic.TryGetValue(Tag.VerDef, out var address))
            return versions;
        var at = OffsetOf(address);
        for (ulong i = 0, count = Required(Tag.VerDefNum); i < count; i++)
        {
            if (i >= MostVersions || U16(at) != 1)
                throw Broken("its version definitions are not plausible");
            if (U16(at + 6) > 0)
                versions.Add(ReadString(U32(at + U32(at + 12)))); // the first name is the version, the others its parents
            var step = U32(at + 16);
            if (step == 0)
                break;
            at += step;
        }
        return versions;
    }

    private string ReadString(ulong index)
    {
        var size = Required(Tag.StrSize);
        var table = OffsetOf(Required(Tag.StrTab));
        CheckRange(table, size);
        if (index >= size)
            throw Broken("a name lies outside of its string table");
        var rest = _bytes.AsSpan((int)(table + (long)index), (int)Math.Min(size - index, LongestName));
        var length = rest.IndexOf((byte)0);
        if (length < 0)
            throw Broken("a name has no end, or is too long");
        return Encoding.UTF8.GetString(rest[..length]);
    }

    private ulong Required(Tag tag) => _dynamic.TryGetValue(tag, out var value) ? value : throw Broken($"its dynamic section has no entry {tag}");

    private long OffsetOf(ulong address)
    {
        foreach (var (start, offset, size) in _segments)
            if (address >= start && address - start < size && offset <= (ulong)_bytes.Length && address - start <= (ulong)_bytes.Length - offset)
                return (long)(offset + (address - start));
        throw Broken($"the address 0x{address:x} lies outside of the file");
    }

    private void CheckRange(long offset, ulong length)
    {
        if (offset < 0 || offset > _bytes.Length || length > (ulong)(_bytes.Length - offset))
            throw Broken("a table reaches beyond its end");
    }

    private ushort U16(long offset) => BinaryPrimitives.ReadUInt16LittleEndian(At(offset, 2));

    private uint U32(long offset) => BinaryPrimitives.ReadUInt32LittleEndian(At(offset, 4));

    private ulong U64(long offset) => BinaryPrimitives.ReadUInt64LittleEndian(At(offset, 8));

    private ReadOnlySpan<byte> At(long offset, int size) =>
        offset >= 0 && offset <= _bytes.Length - size ? _bytes.AsSpan((int)offset, size) : throw Broken("a table reaches beyond its end");

    private NativeLibraryException Broken(string what) =>
        new($"{_name} is not a shared library that can be understood: {what}. Restore the packages again.", _name);
}
