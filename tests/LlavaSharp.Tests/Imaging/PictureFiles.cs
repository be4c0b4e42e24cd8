using System.Buffers.Binary;
using System.IO.Compression;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Imaging;

/// <summary>Pictures for tests: random ones, and files put together by hand.</summary>
internal static class PictureFiles
{
    public static Image Random(int seed, int width, int height)
    {
        var rgb = new byte[3 * width * height];
        new Random(seed).NextBytes(rgb);
        return Image.FromRgb(width, height, rgb);
    }

    public static byte[] Golden(string name) => File.ReadAllBytes(TestFiles.Golden("imaging", "sources", name));

    /// <summary>A PNG of unfiltered rows; <paramref name="rows"/> holds the rows of all passes, each with its filter byte.</summary>
    public static byte[] Png(int width, int height, int depth, int colour, bool interlaced, byte[] rows, byte[]? palette = null)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)colour, interlaced ? (byte)1 : (byte)0);
        var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(rows);
        var file = new MemoryStream();
        file.Write(PngDecoder.Signature);
        PngChunk.Write(file, "IHDR"u8, header);
        if (palette is not null)
            PngChunk.Write(file, "PLTE"u8, palette);
        PngChunk.Write(file, "IDAT"u8, compressed.ToArray());
        PngChunk.Write(file, "IEND"u8, []);
        return file.ToArray();
    }

    /// <summary>A BMP with a 40-byte header.</summary>
    public static byte[] Bmp(int width, int height, int bits, int compression, byte[] paletteOrMasks, byte[] pixels)
    {
        var file = new byte[54 + paletteOrMasks.Length + pixels.Length];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54 + paletteOrMasks.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), (short)bits);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(30), compression);
        if (bits <= 8)
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(46), paletteOrMasks.Length / 4);
        paletteOrMasks.CopyTo(file, 54);
        pixels.CopyTo(file, 54 + paletteOrMasks.Length);
        return file;
    }

    /// <summary>A GIF of one frame whose codes are never longer than the first: a clear code stands before every second pixel.</summary>
    public static byte[] Gif((int Width, int Height) screen, (int Left, int Top, int Width, int Height) frame, bool interlaced, byte[] palette, byte[] indices, int transparent = -1)
    {
        var file = new MemoryStream();
        file.Write("GIF89a"u8);
        WriteShorts(file, screen.Width, screen.Height);
        var bits = int.Log2(palette.Length / 3);
        file.Write([(byte)(0x80 | (bits - 1)), 0, 0]);
        file.Write(palette);
        if (transparent >= 0)
            file.Write([0x21, 0xF9, 4, 1, 0, 0, (byte)transparent, 0]);
        file.WriteByte((byte)',');
        WriteShorts(file, frame.Left, frame.Top, frame.Width, frame.Height);
        var codeBits = Math.Max(2, bits);
        file.Write([interlaced ? (byte)0x40 : (byte)0, (byte)codeBits]);
        var codes = new List<int>();
        for (var i = 0; i < indices.Length; i++)
        {
            if (i % 2 == 0)
                codes.Add(1 << codeBits);
            codes.Add(indices[i]);
        }
        codes.Add((1 << codeBits) + 1);
        var packed = Pack(codes, codeBits + 1);
        foreach (var block in packed.Chunk(255))
        {
            file.WriteByte((byte)block.Length);
            file.Write(block);
        }
        file.Write([0, (byte)';']);
        return file.ToArray();
    }

    private static byte[] Pack(List<int> codes, int bits)
    {
        var bytes = new byte[(codes.Count * bits + 7) / 8];
        var position = 0;
        foreach (var code in codes)
            for (var bit = 0; bit < bits; bit++, position++)
                bytes[position / 8] |= (byte)(((code >> bit) & 1) << (position % 8));
        return bytes;
    }

    private static void WriteShorts(Stream to, params ReadOnlySpan<int> values)
    {
        foreach (var value in values)
            to.Write([(byte)value, (byte)(value >> 8)]);
    }
}
