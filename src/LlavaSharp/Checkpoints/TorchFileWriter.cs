using System.Buffers.Binary;
using System.Text;
using LlavaSharp.IO;

namespace LlavaSharp.Checkpoints;

/// <summary>Writes files that <c>torch.load</c> reads (also with <c>weights_only</c>): a zip archive of stored entries, each storage on a multiple of 64 bytes.</summary>
public static class TorchFileWriter
{
    private const int Alignment = 64;

    /// <summary>Writes a dictionary of tensors, in order.</summary>
    /// <param name="path">The file, such as <c>mm_projector.bin</c>; written under a temporary name first.</param>
    /// <param name="tensors">What it holds.</param>
    /// <exception cref="CheckpointException">Two tensors have the same name, or a callback gave the wrong number of bytes.</exception>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<TensorToWrite> tensors) => Write(path, tensors, uint.MaxValue);

    /// <summary>Writes with 64-bit fields for every size and place from <paramref name="wideFrom"/> up; tests need not write 4 GB to see them.</summary>
    internal static void Write(string path, IEnumerable<TensorToWrite> tensors, long wideFrom)
    {
        var all = tensors.ToList();
        if (all.GroupBy(t => t.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twins)
            throw new CheckpointException($"'{path}' cannot be written: two tensors are named '{twins.Key}'.", path, twins.Key);
        var root = Path.GetFileNameWithoutExtension(path);
        var pickle = PickleWriter.Dictionary(all);
        AtomicFile.Write(path, stream =>
        {
            var zip = new Zip(stream, wideFrom);
            zip.Add($"{root}/data.pkl", pickle.Length, s => s.Write(pickle));
            zip.Add($"{root}/byteorder", 6, s => s.Write("little"u8));
            for (var i = 0; i < all.Count; i++)
                zip.Add($"{root}/data/{i}", all[i].ByteLength, all[i].WriteTo);
            zip.Add($"{root}/version", 2, s => s.Write("3\n"u8));
            zip.Finish();
        });
    }

    /// <summary>A zip archive without compression; zip64 fields only where a number needs them.</summary>
    private sealed class Zip(FileStream stream, long wideFrom)
    {
        private readonly List<Entry> _entries = [];

        public void Add(string name, long size, Action<Stream> write)
        {
            var header = stream.Position;
            var nameBytes = Encoding.UTF8.GetBytes(name);
            var wide = size >= wideFrom;
            var extra = Extra(header + 30 + nameBytes.Length, wide ? [size, size] : []);
            stream.Write(LocalHeader(0, size, nameBytes.Length, extra.Length));
            stream.Write(nameBytes);
            stream.Write(extra);
            var checksum = new ChecksumStream(stream);
            write(checksum);
            var end = stream.Position;
            // the checksum is known only now
            stream.Position = header;
            stream.Write(LocalHeader(checksum.Value, size, nameBytes.Length, extra.Length));
            stream.Position = end;
            _entries.Add(new(nameBytes, size, header, checksum.Value));
        }

        public void Finish()
        {
            var start = stream.Position;
            foreach (var entry in _entries)
                WriteDirectoryEntry(entry);
            var size = stream.Position - start;
            var wide = start >= wideFrom || size >= wideFrom || _entries.Count >= ushort.MaxValue;
            if (wide)
                WriteZip64End(start, size);
            Span<byte> end = stackalloc byte[22];
            end.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
            var count = wide ? ushort.MaxValue : (ushort)_entries.Count;
            BinaryPrimitives.WriteUInt16LittleEndian(end[8..], count);
            BinaryPrimitives.WriteUInt16LittleEndian(end[10..], count);
            BinaryPrimitives.WriteUInt32LittleEndian(end[12..], wide ? uint.MaxValue : (uint)size);
            BinaryPrimitives.WriteUInt32LittleEndian(end[16..], wide ? uint.MaxValue : (uint)start);
            stream.Write(end);
        }

        private void WriteDirectoryEntry(Entry entry)
        {
            var wide = entry.Size >= wideFrom;
            List<long> values = wide ? [entry.Size, entry.Size] : [];
            if (entry.Header >= wideFrom)
                values.Add(entry.Header);
            var extra = Zip64Field(values);
            var header = new byte[46];
            BinaryPrimitives.WriteUInt32LittleEndian(header, 0x02014b50);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(4), 45);
            LocalHeader(entry.Checksum, entry.Size, entry.Name.Length, extra.Length).AsSpan(4).CopyTo(header.AsSpan(6));
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(42), Shown(entry.Header));
            stream.Write(header);
            stream.Write(entry.Name);
            stream.Write(extra);
        }

        private void WriteZip64End(long start, long size)
        {
            var position = stream.Position;
            var record = new byte[56 + 20];
            BinaryPrimitives.WriteUInt32LittleEndian(record, 0x06064b50);
            BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(4), 44);
            BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(12), 45);
            BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(14), 45);
            BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(24), _entries.Count);
            BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(32), _entries.Count);
            BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(40), size);
            BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(48), start);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(56), 0x07064b50);
            BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(64), position);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(72), 1);
            stream.Write(record);
        }

        private byte[] LocalHeader(uint checksum, long size, int nameLength, int extraLength)
        {
            var header = new byte[30];
            BinaryPrimitives.WriteUInt32LittleEndian(header, 0x04034b50);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(4), 45);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(6), 0x0800); // names are UTF-8
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(12), 0x21); // 1 January 1980: equal tensors give equal files
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(14), checksum);
            var shown = Shown(size);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(18), shown);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(22), shown);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(26), (ushort)nameLength);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(28), (ushort)extraLength);
            return header;
        }

        /// <summary>A number in a 32-bit field: all ones when the zip64 field holds it.</summary>
        private uint Shown(long value) => value >= wideFrom ? uint.MaxValue : (uint)value;

        /// <summary>The zip64 field, then padding (id "FB", as PyTorch writes it) up to the alignment.</summary>
        private static byte[] Extra(long start, IReadOnlyList<long> wide)
        {
            var field = Zip64Field(wide);
            var padding = (int)((Alignment - (start + field.Length + 4) % Alignment) % Alignment);
            var extra = new byte[field.Length + 4 + padding];
            field.CopyTo(extra, 0);
            extra[field.Length] = (byte)'F';
            extra[field.Length + 1] = (byte)'B';
            BinaryPrimitives.WriteUInt16LittleEndian(extra.AsSpan(field.Length + 2), (ushort)padding);
            extra.AsSpan(field.Length + 4).Fill((byte)'Z');
            return extra;
        }

        private static byte[] Zip64Field(IReadOnlyList<long> values)
        {
            if (values.Count == 0)
                return [];
            var field = new byte[4 + 8 * values.Count];
            field[0] = 1;
            BinaryPrimitives.WriteUInt16LittleEndian(field.AsSpan(2), (ushort)(8 * values.Count));
            for (var i = 0; i < values.Count; i++)
                BinaryPrimitives.WriteInt64LittleEndian(field.AsSpan(4 + 8 * i), values[i]);
            return field;
        }

        private sealed record Entry(byte[] Name, long Size, long Header, uint Checksum);
    }

    /// <summary>Passes bytes on and keeps their checksum.</summary>
    private sealed class ChecksumStream(FileStream inner) : Stream
    {
        public uint Value { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position
        {
            get => inner.Position;
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Value = Crc32.Append(Value, buffer);
            inner.Write(buffer);
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
