namespace LlavaSharp.IO;

/// <summary>The checksum of zip archives and PNG (polynomial 0xEDB88320), eight bytes at a time.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = MakeTable();

    /// <summary>Continues a checksum, which begins as 0.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        var crc = ~checksum;
        while (bytes.Length >= 8)
        {
            var low = crc ^ System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            crc = Table[7 * 256 + (byte)low] ^ Table[6 * 256 + (byte)(low >> 8)] ^ Table[5 * 256 + (byte)(low >> 16)] ^ Table[4 * 256 + (low >> 24)]
                ^ Table[3 * 256 + bytes[4]] ^ Table[2 * 256 + bytes[5]] ^ Table[256 + bytes[6]] ^ Table[bytes[7]];
            bytes = bytes[8..];
        }
        foreach (var value in bytes)
            crc = (crc >> 8) ^ Table[(byte)(crc ^ value)];
        return ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? (value >> 1) ^ 0xEDB88320 : value >> 1;
            table[i] = value;
        }
        for (var i = 256; i < table.Length; i++)
            table[i] = (table[i - 256] >> 8) ^ table[(byte)table[i - 256]];
        return table;
    }
}
