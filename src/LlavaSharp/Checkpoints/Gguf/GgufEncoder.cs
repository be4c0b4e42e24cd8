using System.Runtime.InteropServices;

namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>Rounds numbers to the blocks of a GGUF file, bit for bit as ggml's reference code does (MIT licence).</summary>
internal static class GgufEncoder
{
    private const int Block = 32;

    /// <summary>The types that are written.</summary>
    public static IReadOnlyList<GgufType> Types { get; } = [GgufType.F32, GgufType.F16, GgufType.Q8_0, GgufType.Q4_0];

    /// <summary>Whether a type is written.</summary>
    public static bool Writes(GgufType type) => Types.Contains(type);

    /// <summary>Stores whole blocks.</summary>
    /// <param name="type">One of <see cref="Types"/>.</param>
    /// <param name="values">Finite numbers, whole blocks of them.</param>
    /// <param name="bytes">Room for their blocks.</param>
    public static void Encode(GgufType type, ReadOnlySpan<float> values, Span<byte> bytes)
    {
        switch (type)
        {
            case GgufType.F32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case GgufType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < values.Length; i++)
                    halves[i] = (Half)values[i];
                break;
            case GgufType.Q8_0:
                for (; values.Length > 0; values = values[Block..], bytes = bytes[(2 + Block)..])
                    Eight(values[..Block], bytes);
                break;
            case GgufType.Q4_0:
                for (; values.Length > 0; values = values[Block..], bytes = bytes[(2 + Block / 2)..])
                    Four(values[..Block], bytes);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "This type of a GGUF tensor is not written.");
        }
    }

    private static void Eight(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        var scale = Math.Abs(Extreme(values)) / 127;
        var inverse = scale == 0 ? 0 : 1 / scale;
        MemoryMarshal.Write(bytes, (Half)scale);
        var levels = bytes.Slice(2, Block);
        for (var i = 0; i < levels.Length; i++)
            levels[i] = (byte)(sbyte)AwayFromZero(values[i] * inverse);
    }

    private static void Four(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        var scale = Extreme(values) / -8;
        var inverse = scale == 0 ? 0 : 1 / scale;
        MemoryMarshal.Write(bytes, (Half)scale);
        var pairs = bytes.Slice(2, Block / 2);
        for (var i = 0; i < pairs.Length; i++)
        {
            var low = Math.Min(15, (int)(values[i] * inverse + 8.5f));
            var high = Math.Min(15, (int)(values[i + Block / 2] * inverse + 8.5f));
            pairs[i] = (byte)(low | high << 4);
        }
    }

    // halves away from zero, as C's roundf; adding a half before cutting off would be wrong just below one
    private static int AwayFromZero(float value)
    {
        var whole = (int)value;
        var rest = value - whole;
        return whole + (rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0);
    }

    // the first of the values of the largest magnitude, with its sign
    private static float Extreme(ReadOnlySpan<float> values)
    {
        var (extreme, magnitude) = (0f, 0f);
        foreach (var value in values)
        {
            if (Math.Abs(value) > magnitude)
                (extreme, magnitude) = (value, Math.Abs(value));
        }
        return extreme;
    }
}
