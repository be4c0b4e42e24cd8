using System.Buffers.Binary;

namespace LlavaSharp.Imaging;

/// <summary>Reads the first frame of a GIF as palette indices on its screen.</summary>
internal static class GifDecoder
{
    private const int MaximumCodes = 4096;

    public static RawImage Decode(ReadOnlySpan<byte> file, DecodeLimits limits)
    {
        if (file.Length < 13)
            throw limits.Truncated("its header is incomplete");
        int screenWidth = BinaryPrimitives.ReadUInt16LittleEndian(file[6..]), screenHeight = BinaryPrimitives.ReadUInt16LittleEndian(file[8..]);
        var position = 13;
        var palette = ReadPalette(file, ref position, file[10], limits);
        byte transparent = 0;
        while (true)
        {
            switch (Take(file, ref position, limits))
            {
                case (byte)'!':
                    ReadExtension(file, ref position, ref transparent, limits);
                    break;
                case (byte)';':
                    throw limits.Truncated("it has no frame");
                case (byte)',':
                    return ReadFrame(file, position, (screenWidth, screenHeight), palette, transparent, limits);
            }
        }
    }

    private static RawImage ReadFrame(ReadOnlySpan<byte> file, int position, (int Width, int Height) screen, byte[]? palette, byte fill, DecodeLimits limits)
    {
        if (file.Length - position < 10)
            throw limits.Truncated("the header of its frame is incomplete");
        var header = file[position..];
        int left = BinaryPrimitives.ReadUInt16LittleEndian(header), top = BinaryPrimitives.ReadUInt16LittleEndian(header[2..]);
        int width = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]), height = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]);
        var flags = header[8];
        position += 9;
        palette = ReadPalette(file, ref position, flags, limits) ?? palette;
        limits.CheckSize(width, height);
        // A frame that is larger than the screen enlarges it.
        screen = (Math.Max(screen.Width, left + width), Math.Max(screen.Height, top + height));
        var pixels = limits.CheckSize(screen.Width, screen.Height);

        var codeBits = Take(file, ref position, limits);
        if (codeBits is 0 or > 11)
            throw limits.Broken($"a code size of {codeBits} bits");
        var data = JoinBlocks(file, position, limits);
        if (data.Length * 8L / (codeBits + 1) * MaximumCodes < (long)width * height)
            throw limits.Truncated($"{data.Length} bytes of data cannot hold {width}x{height} pixels");
        var indices = new byte[width * height];
        Unpack(data, codeBits, indices, limits);

        var canvas = indices;
        var interlaced = (flags & 0x40) != 0;
        if (interlaced || (width, height) != screen)
        {
            canvas = new byte[pixels];
            canvas.AsSpan().Fill(fill);
            var from = 0;
            foreach (var row in interlaced ? InterlacedRows(height) : Enumerable.Range(0, height))
                indices.AsSpan(from++ * width, width).CopyTo(canvas.AsSpan((top + row) * screen.Width + left));
        }
        return palette is null || RawImage.IsGrayRamp(palette, PaletteSize(flags & 0x80, flags, file[10]))
            ? new RawImage(RawMode.Gray, screen.Width, screen.Height, canvas)
            : new RawImage(RawMode.Palette, screen.Width, screen.Height, canvas, palette);
    }

    private static int PaletteSize(int hasOwn, int ownFlags, int screenFlags) => 2 << ((hasOwn != 0 ? ownFlags : screenFlags) & 7);

    private static IEnumerable<int> InterlacedRows(int height)
    {
        foreach (var (first, step) in ((int, int)[])[(0, 8), (4, 8), (2, 4), (1, 2)])
            for (var row = first; row < height; row += step)
                yield return row;
    }

    private static byte[]? ReadPalette(ReadOnlySpan<byte> file, ref int position, int flags, DecodeLimits limits)
    {
        if ((flags & 0x80) == 0)
            return null;
        var length = 3 << ((flags & 7) + 1);
        if (file.Length - position < length)
            throw limits.Truncated("its palette is incomplete");
        var palette = new byte[768];
        file.Slice(position, length).CopyTo(palette);
        position += length;
        return palette;
    }

    private static void ReadExtension(ReadOnlySpan<byte> file, ref int position, ref byte transparent, DecodeLimits limits)
    {
        var isControl = Take(file, ref position, limits) == 0xF9;
        while (Take(file, ref position, limits) is var length and > 0)
        {
            if (file.Length - position < length)
                throw limits.Truncated("an extension is incomplete");
            if (isControl && length >= 4 && (file[position] & 1) != 0)
                transparent = file[position + 3];
            position += length;
        }
    }

    private static byte Take(ReadOnlySpan<byte> file, ref int position, DecodeLimits limits) =>
        position < file.Length ? file[position++] : throw limits.Truncated("its end is missing");

    // Blocks up to the empty one; a file that ends before it still yields what it has.
    private static byte[] JoinBlocks(ReadOnlySpan<byte> file, int position, DecodeLimits limits)
    {
        var data = new MemoryStream();
        while (position < file.Length && file[position] is var length and > 0)
        {
            position++;
            data.Write(file.Slice(position, Math.Min(length, file.Length - position)));
            position += length;
        }
        return data.Length > 0 ? data.ToArray() : throw limits.Truncated("its frame has no data");
    }

    private static void Unpack(byte[] data, int codeBits, byte[] indices, DecodeLimits limits)
    {
        var prefix = new ushort[MaximumCodes];
        var suffix = new byte[MaximumCodes];
        var stack = new byte[MaximumCodes + 1];
        int clear = 1 << codeBits, end = clear + 1;
        for (var i = 0; i < clear; i++)
            suffix[i] = (byte)i;
        int bits = codeBits + 1, next = clear + 2, previous = -1, first = 0, written = 0, position = 0;
        uint buffer = 0;
        var held = 0;
        while (written < indices.Length)
        {
            while (held < bits)
            {
                if (position == data.Length)
                    throw limits.Truncated($"its data end after {written} of {indices.Length} pixels");
                buffer |= (uint)data[position++] << held;
                held += 8;
            }
            var code = (int)(buffer & ((1u << bits) - 1));
            buffer >>= bits;
            held -= bits;
            if (code == clear)
            {
                (bits, next, previous) = (codeBits + 1, clear + 2, -1);
                continue;
            }
            if (code == end)
                throw limits.Truncated($"its data end after {written} of {indices.Length} pixels");
            if (code > next || (code == next && previous < 0) || (previous < 0 && code > clear) || (code == next && next == MaximumCodes))
                throw limits.Broken($"code {code} is not defined yet");

            var depth = 0;
            var current = code;
            if (code == next)
            {
                stack[depth++] = (byte)first;
                current = previous;
            }
            while (current >= clear)
            {
                stack[depth++] = suffix[current];
                current = prefix[current];
            }
            first = suffix[current];
            stack[depth++] = (byte)first;
            while (depth > 0 && written < indices.Length)
                indices[written++] = stack[--depth];

            if (previous >= 0 && next < MaximumCodes)
            {
                (prefix[next], suffix[next]) = ((ushort)previous, (byte)first);
                if (++next == 1 << bits && bits < 12)
                    bits++;
            }
            previous = code;
        }
    }
}
