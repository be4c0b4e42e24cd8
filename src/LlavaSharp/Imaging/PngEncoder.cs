using System.Buffers.Binary;
using System.IO.Compression;

namespace LlavaSharp.Imaging;

/// <summary>Writes 8-bit RGB or gray as PNG; each row takes the filter with the smallest sum of absolute differences.</summary>
internal static class PngEncoder
{
    public static byte[] Encode(Image image)
    {
        var channels = image.IsGray ? 1 : 3;
        var stride = channels * image.Width;
        ReadOnlySpan<byte> pixels = image.StoredPixels();
        var above = new byte[stride];
        var candidates = new byte[3][];
        for (var i = 0; i < candidates.Length; i++)
            candidates[i] = new byte[stride + 1];

        var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
            for (var y = 0; y < image.Height; y++)
            {
                var row = pixels.Slice(y * stride, stride);
                Filter(row, above, channels, candidates);
                zlib.Write(candidates.MinBy(Cost)!);
                row.CopyTo(above);
            }

        var file = new MemoryStream();
        file.Write(PngDecoder.Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        (header[8], header[9], header[10], header[11], header[12]) = (8, image.IsGray ? (byte)0 : (byte)2, 0, 0, 0);
        PngChunk.Write(file, "IHDR"u8, header);
        PngChunk.Write(file, "IDAT"u8, compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
        PngChunk.Write(file, "IEND"u8, []);
        return file.ToArray();
    }

    // Left, above and Paeth: the other two hardly ever win.
    private static void Filter(ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int channels, byte[][] candidates)
    {
        (candidates[0][0], candidates[1][0], candidates[2][0]) = (1, 2, 4);
        for (var i = 0; i < row.Length; i++)
        {
            int left = i >= channels ? row[i - channels] : 0, corner = i >= channels ? above[i - channels] : 0;
            candidates[0][i + 1] = (byte)(row[i] - left);
            candidates[1][i + 1] = (byte)(row[i] - above[i]);
            candidates[2][i + 1] = (byte)(row[i] - PngFilter.Paeth(left, above[i], corner));
        }
    }

    private static long Cost(byte[] row)
    {
        long sum = 0;
        foreach (var value in row)
            sum += Math.Abs((sbyte)value is var signed and not sbyte.MinValue ? signed : 127);
        return sum;
    }
}
