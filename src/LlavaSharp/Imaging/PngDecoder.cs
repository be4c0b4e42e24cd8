using System.Buffers.Binary;
using System.IO.Compression;

namespace LlavaSharp.Imaging;

/// <summary>Reads PNG in every colour type and depth, interlaced or not. Of an animated PNG the default picture is read.</summary>
internal static class PngDecoder
{
    // Deflate cannot shrink more than 1032 to 1 (zlib's technical notes): a file that is too short for its claim is truncated.
    private const long MaximumInflation = 1032;

    public static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    // Adam7: first column and row, column and row step of each pass.
    private static ReadOnlySpan<byte> Passes => [0, 0, 8, 8, 4, 0, 8, 8, 0, 4, 4, 8, 2, 0, 4, 4, 0, 2, 2, 4, 1, 0, 2, 2, 0, 1, 1, 2];

    private static ReadOnlySpan<byte> WholePicture => [0, 0, 1, 1];

    public static RawImage Decode(ReadOnlySpan<byte> file, DecodeLimits limits)
    {
        PngHeader? found = null;
        byte[]? palette = null;
        var compressed = new MemoryStream();
        var position = Signature.Length;
        while (true)
        {
            if (file.Length - position < 8)
                throw limits.Truncated("no end of its data");
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[position..]);
            var type = file.Slice(position + 4, 4);
            if (found is null && !type.SequenceEqual("IHDR"u8))
                throw limits.Broken("its first chunk is not IHDR");
            var available = file[(position + 8)..];
            var isData = type.SequenceEqual("IDAT"u8);
            if (length > available.Length)
            {
                // A cut last data chunk may still hold every row, as the original accepts.
                if (!isData)
                    throw limits.Truncated($"a chunk of {length} bytes ends after {available.Length}");
                compressed.Write(available);
                break;
            }
            var content = available[..(int)length];
            // As in the original, the checksum of the data is left to their own one.
            if (!isData && IsCritical(type) && (available.Length < length + 4
                || BinaryPrimitives.ReadUInt32BigEndian(available[(int)length..]) != PngChunk.Checksum(type, content)))
                throw limits.Broken($"the checksum of its chunk {System.Text.Encoding.Latin1.GetString(type)} is wrong");
            if (isData)
                compressed.Write(content);
            else if (compressed.Length > 0)
                break;
            else if (type.SequenceEqual("IHDR"u8))
                found = ReadHeader(content, limits);
            else if (type.SequenceEqual("PLTE"u8))
                palette = ReadPalette(content, limits);
            else if (type.SequenceEqual("IEND"u8))
                break;
            position = (int)Math.Min(file.Length, position + 12L + length);
        }
        var header = found!.Value;
        if (header.IsPalette && palette is null)
            throw limits.Broken("a palette picture without a palette");
        if (compressed.Length == 0)
            throw limits.Truncated("it has no data");
        return new RawImage(header.Mode, header.Width, header.Height, ReadPixels(compressed, header, limits), header.IsPalette ? palette : null);
    }

    private static bool IsCritical(ReadOnlySpan<byte> type) => type[0] is >= (byte)'A' and <= (byte)'Z';

    private static PngHeader ReadHeader(ReadOnlySpan<byte> content, DecodeLimits limits)
    {
        if (content.Length < 13)
            throw limits.Broken("its header is too short");
        var width = BinaryPrimitives.ReadUInt32BigEndian(content);
        var height = BinaryPrimitives.ReadUInt32BigEndian(content[4..]);
        limits.CheckSize(width, height);
        int depth = content[8], colour = content[9];
        var channels = (colour, depth) switch
        {
            (0, 1 or 2 or 4 or 8 or 16) or (3, 1 or 2 or 4 or 8) => 1,
            (4, 8 or 16) => 2,
            (2, 8 or 16) => 3,
            (6, 8 or 16) => 4,
            _ => throw limits.Broken($"colour type {colour} with {depth} bits does not exist"),
        };
        if (content[10] != 0 || content[11] != 0 || content[12] > 1)
            throw limits.Broken("its compression, filter or interlace method does not exist");
        return new PngHeader((int)width, (int)height, depth, colour, channels, content[12] == 1);
    }

    private static byte[] ReadPalette(ReadOnlySpan<byte> content, DecodeLimits limits)
    {
        if (content.Length % 3 != 0 || content.Length is 0 or > 768)
            throw limits.Broken($"a palette of {content.Length} bytes");
        var palette = new byte[768];
        content.CopyTo(palette);
        return palette;
    }

    private static byte[] ReadPixels(MemoryStream compressed, PngHeader header, DecodeLimits limits)
    {
        var passes = header.Interlaced ? Passes : WholePicture;
        long needed = 0;
        for (var p = 0; p < passes.Length; p += 4)
            needed += header.PassRows(passes[p + 1], passes[p + 3]) * (1L + header.RowBytes(header.PassColumns(passes[p], passes[p + 2])));
        if (needed > compressed.Length * MaximumInflation + 4096)
            throw limits.Truncated($"{compressed.Length} bytes of data cannot hold {header.Width}x{header.Height} pixels");

        compressed.Position = 0;
        var pixelBytes = RawImage.BytesOf(header.Mode);
        var pixels = new byte[(long)header.Width * header.Height * pixelBytes];
        try
        {
            using var stream = new ZLibStream(compressed, CompressionMode.Decompress);
            using var data = new BufferedStream(stream, 1 << 16);
            for (var p = 0; p < passes.Length; p += 4)
                ReadPass(data, header, passes.Slice(p, 4), pixels, pixelBytes, limits);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            throw limits.Broken("its compressed data are damaged", exception);
        }
        return pixels;
    }

    private static void ReadPass(Stream data, PngHeader header, ReadOnlySpan<byte> pass, byte[] pixels, int pixelBytes, DecodeLimits limits)
    {
        int firstColumn = pass[0], firstRow = pass[1], columnStep = pass[2], rowStep = pass[3];
        var columns = header.PassColumns(firstColumn, columnStep);
        var rows = header.PassRows(firstRow, rowStep);
        if (columns == 0 || rows == 0)
            return;
        var rowBytes = header.RowBytes(columns);
        var filterStep = Math.Max(1, header.Channels * header.Depth / 8);
        byte[] current = new byte[rowBytes + 1], previous = new byte[rowBytes + 1];
        var expanded = columnStep == 1 ? [] : new byte[columns * pixelBytes];
        for (var row = 0; row < rows; row++)
        {
            var read = data.ReadAtLeast(current, current.Length, throwOnEndOfStream: false);
            if (read < current.Length)
                throw limits.Truncated($"its data end in row {row} of {rows}");
            PngFilter.Undo(current[0], current.AsSpan(1), previous.AsSpan(1), filterStep, limits);
            var target = pixels.AsSpan((firstRow + row * rowStep) * header.Width * pixelBytes, header.Width * pixelBytes);
            if (columnStep == 1)
                header.Expand(current.AsSpan(1), target);
            else
            {
                header.Expand(current.AsSpan(1), expanded);
                for (var x = 0; x < columns; x++)
                    expanded.AsSpan(x * pixelBytes, pixelBytes).CopyTo(target[((firstColumn + x * columnStep) * pixelBytes)..]);
            }
            (current, previous) = (previous, current);
        }
    }
}
