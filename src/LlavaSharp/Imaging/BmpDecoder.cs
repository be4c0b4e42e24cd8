using System.Buffers.Binary;
using System.Numerics;

namespace LlavaSharp.Imaging;

/// <summary>Reads BMP: palettes of 1, 4 and 8 bits (also run-length coded), 16, 24 and 32 bits, rows in either order.</summary>
internal static class BmpDecoder
{
    private const uint Uncompressed = 0, RunLength8 = 1, RunLength4 = 2, BitFields = 3;

    private static readonly Channel s_none = new(0);

    public static RawImage Decode(ReadOnlySpan<byte> file, DecodeLimits limits)
    {
        if (file.Length < 26)
            throw limits.Truncated("its header is incomplete");
        long offset = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]);
        var headerSize = BinaryPrimitives.ReadUInt32LittleEndian(file[14..]);
        if (headerSize is not (12 or 40 or 52 or 56 or 64 or 108 or 124))
            throw limits.Unsupported($"a BMP header of {headerSize} bytes");
        if (file.Length < 14 + headerSize)
            throw limits.Truncated("its header is incomplete");
        var header = file.Slice(14, (int)headerSize);
        var isOld = headerSize == 12;
        long width = isOld ? BinaryPrimitives.ReadUInt16LittleEndian(header[4..]) : BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        long height = isOld ? BinaryPrimitives.ReadUInt16LittleEndian(header[6..]) : BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(header[(isOld ? 10 : 14)..]);
        var compression = isOld ? Uncompressed : BinaryPrimitives.ReadUInt32LittleEndian(header[16..]);
        var colours = isOld ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(header[32..]);
        var topDown = height < 0;
        limits.CheckSize(width, Math.Abs(height));
        var picture = new Layout((int)width, (int)Math.Abs(height), bits, topDown);

        if (bits is 1 or 4 or 8)
        {
            if (colours == 0)
                colours = 1u << bits;
            var palette = ReadPalette(file[(14 + (int)headerSize)..], colours, isOld ? 3 : 4, limits);
            var data = DataFrom(file, offset, limits);
            var indices = (compression, bits) switch
            {
                (Uncompressed, _) => ReadIndices(data, picture, limits),
                (RunLength8, 8) or (RunLength4, 4) => ReadRuns(data, offset, picture, limits),
                _ => throw limits.Unsupported($"BMP compression {compression} with {bits} bits"),
            };
            return WithPalette(indices, picture, palette, (int)Math.Min(colours, 256));
        }
        if (bits is not (16 or 24 or 32) || compression is not (Uncompressed or BitFields))
            throw limits.Unsupported($"BMP compression {compression} with {bits} bits");
        var masks = compression == BitFields ? ReadMasks(file, headerSize, limits)
            : bits == 16 ? [new Channel(0x7C00), new Channel(0x3E0), new Channel(0x1F), s_none]
            : new[] { new Channel(0xFF0000), new Channel(0xFF00), new Channel(0xFF), s_none };
        return ReadColours(DataFrom(file, offset, limits), picture, masks, limits);
    }

    // Palettes of plain gray or of black and white are opened without a palette.
    private static RawImage WithPalette(byte[] indices, Layout picture, byte[] palette, int colours)
    {
        var mode = RawMode.Palette;
        if (colours == 2 && palette.AsSpan(0, 6).SequenceEqual((ReadOnlySpan<byte>)[0, 0, 0, 255, 255, 255]))
        {
            mode = RawMode.Bilevel;
            for (var i = 0; i < indices.Length; i++)
                indices[i] = indices[i] == 0 ? (byte)0 : (byte)255;
        }
        else if (colours > 2 && RawImage.IsGrayRamp(palette, colours))
            mode = RawMode.Gray;
        return new RawImage(mode, picture.Width, picture.Height, indices, mode == RawMode.Palette ? palette : null);
    }

    private static ReadOnlySpan<byte> DataFrom(ReadOnlySpan<byte> file, long offset, DecodeLimits limits) =>
        offset < file.Length ? file[(int)offset..] : throw limits.Truncated("it ends before its pixels");

    private static byte[] ReadPalette(ReadOnlySpan<byte> file, uint colours, int entrySize, DecodeLimits limits)
    {
        if (colours > 65536)
            throw limits.Broken($"a palette of {colours} colours");
        var palette = new byte[768];
        for (var i = 0; i < Math.Min(colours, 256); i++)
        {
            if (file.Length < (i + 1) * entrySize)
                throw limits.Truncated("its palette is incomplete");
            (palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]) = (file[i * entrySize + 2], file[i * entrySize + 1], file[i * entrySize]);
        }
        return palette;
    }

    private static Channel[] ReadMasks(ReadOnlySpan<byte> file, uint headerSize, DecodeLimits limits)
    {
        // The masks stand at the same place whether they belong to the header (52 bytes and more) or follow it (40).
        if (headerSize == 64 || file.Length < 14 + 40 + 12)
            throw limits.Broken("its colour masks are missing");
        var masks = new Channel[4];
        for (var i = 0; i < 4; i++)
            masks[i] = i < 3 || headerSize >= 56 ? new Channel(BinaryPrimitives.ReadUInt32LittleEndian(file[(54 + 4 * i)..])) : s_none;
        return masks;
    }

    private static byte[] ReadIndices(ReadOnlySpan<byte> data, Layout picture, DecodeLimits limits)
    {
        picture.CheckLength(data.Length, limits);
        var indices = new byte[picture.Width * picture.Height];
        var perByte = 8 / picture.Bits;
        var mask = (1 << picture.Bits) - 1;
        for (var y = 0; y < picture.Height; y++)
        {
            var row = data[(int)(y * picture.Stride)..];
            var target = indices.AsSpan(picture.TargetRow(y) * picture.Width, picture.Width);
            for (var x = 0; x < target.Length; x++)
                target[x] = (byte)((row[x / perByte] >> (8 - picture.Bits * (x % perByte + 1))) & mask);
        }
        return indices;
    }

    private static RawImage ReadColours(ReadOnlySpan<byte> data, Layout picture, Channel[] masks, DecodeLimits limits)
    {
        picture.CheckLength(data.Length, limits);
        var channels = masks[3].Maximum == 0 ? 3 : 4;
        var pixels = new byte[picture.Width * picture.Height * channels];
        var bytes = picture.Bits / 8;
        for (var y = 0; y < picture.Height; y++)
        {
            var row = data[(int)(y * picture.Stride)..];
            var to = picture.TargetRow(y) * picture.Width * channels;
            for (var x = 0; x < picture.Width; x++)
            {
                uint value = 0;
                for (var b = 0; b < bytes; b++)
                    value |= (uint)row[x * bytes + b] << (8 * b);
                for (var c = 0; c < channels; c++)
                    pixels[to++] = masks[c].Of(value);
            }
        }
        return new RawImage(channels == 3 ? RawMode.Rgb : RawMode.Rgba, picture.Width, picture.Height, pixels);
    }

    private static byte[] ReadRuns(ReadOnlySpan<byte> data, long offset, Layout picture, DecodeLimits limits)
    {
        var rows = new byte[picture.Width * picture.Height];
        var isNibbles = picture.Bits == 4;
        int width = picture.Width, position = 0, x = 0;
        long y = 0;
        while (y < picture.Height && position + 2 <= data.Length)
        {
            int count = data[position], value = data[position + 1];
            position += 2;
            if (count > 0)
            {
                for (var i = 0; i < count && x < width; i++)
                    rows[y * width + x++] = (byte)(!isNibbles ? value : (i & 1) == 0 ? value >> 4 : value & 15);
                continue;
            }
            switch (value)
            {
                case 0:
                    (x, y) = (0, y + 1);
                    break;
                case 1:
                    // The end of the picture: what was not written stays 0.
                    position = data.Length;
                    y = Math.Max(y, picture.Height - 1);
                    break;
                case 2:
                    if (position + 2 > data.Length)
                        throw limits.Truncated("a jump is incomplete");
                    x += data[position];
                    y += data[position + 1] + x / width;
                    x %= width;
                    position += 2;
                    break;
                default:
                    var length = isNibbles ? (value + 1) / 2 : value;
                    if (position + length > data.Length)
                        throw limits.Truncated("a run is incomplete");
                    for (var i = 0; i < value && x < width; i++)
                    {
                        var sample = data[position + (isNibbles ? i / 2 : i)];
                        rows[y * width + x++] = (byte)(!isNibbles ? sample : (i & 1) == 0 ? sample >> 4 : sample & 15);
                    }
                    position += length;
                    position += (int)((offset + position) & 1);
                    break;
            }
        }
        if (y < picture.Height - 1)
            throw limits.Truncated($"its runs end in row {y} of {picture.Height}");
        if (!picture.TopDown)
            for (int top = 0, bottom = picture.Height - 1; top < bottom; top++, bottom--)
                SwapRows(rows.AsSpan(top * width, width), rows.AsSpan(bottom * width, width));
        return rows;
    }

    private static void SwapRows(Span<byte> a, Span<byte> b)
    {
        for (var i = 0; i < a.Length; i++)
            (a[i], b[i]) = (b[i], a[i]);
    }

    /// <summary>Where rows lie in an uncompressed file.</summary>
    private readonly record struct Layout(int Width, int Height, int Bits, bool TopDown)
    {
        public long Stride => ((long)Width * Bits + 31) / 32 * 4;

        public int TargetRow(int row) => TopDown ? row : Height - 1 - row;

        public void CheckLength(int length, DecodeLimits limits)
        {
            // The padding of the last row may be missing.
            if (length < Stride * (Height - 1) + ((long)Width * Bits + 7) / 8)
                throw limits.Truncated($"{length} bytes of pixels cannot hold {Width}x{Height} of {Bits} bits");
        }
    }

    /// <summary>One colour's bits inside a pixel, stretched to 0..255 with truncation as the original does.</summary>
    private readonly record struct Channel(uint Mask)
    {
        private int Shift { get; } = Mask == 0 ? 0 : BitOperations.TrailingZeroCount(Mask);

        public uint Maximum => Mask >> Shift;

        public byte Of(uint pixel) => Mask == 0 ? (byte)0 : Maximum == 255 ? (byte)((pixel & Mask) >> Shift) : (byte)((ulong)((pixel & Mask) >> Shift) * 255 / Maximum);
    }
}
