using System.Buffers.Binary;
using LlavaSharp.IO;

namespace LlavaSharp.Imaging;

/// <summary>PNG's checksum and the writing of chunks.</summary>
internal static class PngChunk
{
    /// <summary>CRC-32 over the parts, one after the other.</summary>
    public static uint Checksum(ReadOnlySpan<byte> type, ReadOnlySpan<byte> content) => Crc32.Append(Crc32.Append(0, type), content);

    public static void Write(Stream to, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        to.Write(number);
        to.Write(type);
        to.Write(content);
        BinaryPrimitives.WriteUInt32BigEndian(number, Checksum(type, content));
        to.Write(number);
    }
}
