using System.Runtime.InteropServices;

namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>Sizes of <see cref="GgufType"/>, and the numbers that its blocks stand for (the layouts of ggml, MIT licence).</summary>
internal static class GgufTypes
{
    private const int Super = 256;   // values of a block of the K types

    // the levels of the IQ4 types
    private static ReadOnlySpan<sbyte> UnevenLevels => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Values of one block, and its bytes; null for a type that is not read.</summary>
    public static (int Values, int Bytes)? Block(GgufType type) => type switch
    {
        GgufType.F32 => (1, 4),
        GgufType.F16 or GgufType.BF16 => (1, 2),
        GgufType.Q4_0 or GgufType.IQ4_NL => (32, 18),
        GgufType.Q4_1 => (32, 20),
        GgufType.Q5_0 => (32, 22),
        GgufType.Q5_1 => (32, 24),
        GgufType.Q8_0 => (32, 34),
        GgufType.Q2_K => (Super, 84),
        GgufType.Q3_K => (Super, 110),
        GgufType.Q4_K => (Super, 144),
        GgufType.Q5_K => (Super, 176),
        GgufType.Q6_K => (Super, 210),
        GgufType.IQ4_XS => (Super, 136),
        _ => null,
    };

    /// <summary>The numbers of whole blocks.</summary>
    /// <param name="type">A type that is read.</param>
    /// <param name="bytes">The blocks.</param>
    /// <param name="values">Room for all of their values.</param>
    public static void Dequantize(GgufType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        var (count, size) = Block(type) ?? throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown type of a GGUF tensor.");
        switch (type)
        {
            case GgufType.F32:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(values);
                return;
            case GgufType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < halves.Length; i++)
                    values[i] = (float)halves[i];
                return;
            case GgufType.BF16:
                var upper = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < upper.Length; i++)
                    values[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                return;
        }
        for (; bytes.Length >= size; bytes = bytes[size..], values = values[count..])
        {
            var block = new Bytes(bytes[..size]);
            var y = values[..count];
            switch (type)
            {
                case GgufType.Q4_0: Q4(block, y, block.Half(0), 2, -8, null); break;
                case GgufType.Q4_1: Q4(block, y, block.Half(0), 4, 0, block.Half(2)); break;
                case GgufType.Q5_0: Q5(block, y, block.Half(0), 2, -16, null); break;
                case GgufType.Q5_1: Q5(block, y, block.Half(0), 4, 0, block.Half(2)); break;
                case GgufType.Q8_0: Q8(block, y); break;
                case GgufType.Q2_K: Q2K(block, y); break;
                case GgufType.Q3_K: Q3K(block, y); break;
                case GgufType.Q4_K: Q4K(block, y); break;
                case GgufType.Q5_K: Q5K(block, y); break;
                case GgufType.Q6_K: Q6K(block, y); break;
                case GgufType.IQ4_NL: Uneven(block, 2, y, block.Half(0)); break;
                default: UnevenSuper(block, y); break;
            }
        }
    }

    private static void Q4(Bytes block, Span<float> y, float d, int start, int zero, float? minimum)
    {
        for (var i = 0; i < 16; i++)
        {
            var pair = block[start + i];
            y[i] = d * ((pair & 15) + zero);
            y[i + 16] = d * ((pair >> 4) + zero);
        }
        Add(y, minimum);
    }

    private static void Q5(Bytes block, Span<float> y, float d, int start, int zero, float? minimum)
    {
        var fifth = block.UInt32(start);
        for (var i = 0; i < 16; i++)
        {
            var pair = block[start + 4 + i];
            y[i] = d * ((pair & 15 | (int)(fifth >> i & 1) << 4) + zero);
            y[i + 16] = d * ((pair >> 4 | (int)(fifth >> (i + 16) & 1) << 4) + zero);
        }
        Add(y, minimum);
    }

    private static void Q8(Bytes block, Span<float> y)
    {
        var d = block.Half(0);
        for (var i = 0; i < 32; i++)
            y[i] = d * (sbyte)block[2 + i];
    }

    private static void Q2K(Bytes block, Span<float> y)
    {
        const int quants = 16, scale = 80;
        float d = block.Half(scale), least = block.Half(scale + 2);
        for (var i = 0; i < Super; i++)
        {
            // 128 values share 32 bytes: the first 32 are their lowest two bits, the next 32 the two bits above
            var q = block[quants + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
            var both = block[i / 16];
            y[i] = d * (both & 15) * q - least * (both >> 4);
        }
    }

    private static void Q3K(Bytes block, Span<float> y)
    {
        const int quants = 32, scales = 96, scale = 108;
        var d = block.Half(scale);
        for (var i = 0; i < Super; i++)
        {
            var low = block[quants + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
            var high = block[i % 32] >> (i / 32) & 1;
            var s = i / 16;
            // 16 scales of 6 bits: four bits in eight bytes, two more in four
            var six = (block[scales + s % 8] >> (s / 8 * 4) & 15) | (block[scales + 8 + s % 4] >> (s / 4 * 2) & 3) << 4;
            y[i] = d * (six - 32) * (low - (high == 0 ? 4 : 0));
        }
    }

    private static void Q4K(Bytes block, Span<float> y)
    {
        float d = block.Half(0), least = block.Half(2);
        for (var i = 0; i < Super; i++)
        {
            var (scale, minimum) = SixBits(block, 4, i / 32);
            var q = block[16 + i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15;
            y[i] = d * scale * q - least * minimum;
        }
    }

    private static void Q5K(Bytes block, Span<float> y)
    {
        const int high = 16, low = 48;
        float d = block.Half(0), least = block.Half(2);
        for (var i = 0; i < Super; i++)
        {
            var (scale, minimum) = SixBits(block, 4, i / 32);
            var q = (block[low + i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15) | (block[high + i % 32] >> (i / 32) & 1) << 4;
            y[i] = d * scale * q - least * minimum;
        }
    }

    private static void Q6K(Bytes block, Span<float> y)
    {
        const int high = 128, scales = 192, scale = 208;
        var d = block.Half(scale);
        for (var i = 0; i < Super; i++)
        {
            // 128 values share 64 bytes of low and 32 bytes of high bits
            var (part, at) = (i / 128, i % 128);
            var low = block[part * 64 + at % 64] >> (at / 64 * 4) & 15;
            var top = block[high + part * 32 + at % 32] >> (at / 32 * 2) & 3;
            y[i] = d * (sbyte)block[scales + i / 16] * ((low | top << 4) - 32);
        }
    }

    private static void Uneven(Bytes block, int start, Span<float> y, float d)
    {
        for (var i = 0; i < 16; i++)
        {
            var pair = block[start + i];
            y[i] = d * UnevenLevels[pair & 15];
            y[i + 16] = d * UnevenLevels[pair >> 4];
        }
    }

    private static void UnevenSuper(Bytes block, Span<float> y)
    {
        var d = block.Half(0);
        var high = block[2] | block[3] << 8;
        for (var part = 0; part < 8; part++)
        {
            var six = (block[4 + part / 2] >> (part % 2 * 4) & 15) | (high >> (part * 2) & 3) << 4;
            Uneven(block, 8 + part * 16, y.Slice(part * 32, 32), d * (six - 32));
        }
    }

    // eight scales and minima of 6 bits in 12 bytes: the first four whole, of the others four bits and the two that the first ones leave
    private static (int Scale, int Minimum) SixBits(Bytes block, int start, int index) => index < 4
        ? (block[start + index] & 63, block[start + index + 4] & 63)
        : (block[start + index + 4] & 15 | block[start + index - 4] >> 6 << 4, block[start + index + 4] >> 4 | block[start + index] >> 6 << 4);

    private static void Add(Span<float> y, float? minimum)
    {
        if (minimum is not { } value)
            return;
        foreach (ref var number in y)
            number += value;
    }

    private readonly ref struct Bytes(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public int this[int index] => _bytes[index];

        public float Half(int offset) => (float)MemoryMarshal.Read<Half>(_bytes[offset..]);

        public uint UInt32(int offset) => MemoryMarshal.Read<uint>(_bytes[offset..]);
    }
}
