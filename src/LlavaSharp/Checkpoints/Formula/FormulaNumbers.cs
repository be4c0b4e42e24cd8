using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;
using LlavaSharp.IO;

namespace LlavaSharp.Checkpoints.Formula;

/// <summary>
/// Numbers that a tensor's name and an element's index make up, so that models of full size need no file: a 32-bit hash (the finaliser of MurmurHash3)
/// of the index, moved on by the name's checksum.
/// </summary>
internal static class FormulaNumbers
{
    private const uint GoldenRatio = 0x9E3779B9;   // 2^32 divided by it
    private const float Resolution = 1f / (1 << 24);
    private const float NormSpread = 0.1f;

    /// <summary>Numbers in [0, 1).</summary>
    /// <param name="name">The name that they belong to.</param>
    /// <param name="salt">Another one gives other numbers for all names.</param>
    /// <param name="first">The index of the first one.</param>
    /// <param name="values">Room for them.</param>
    public static void Uniform(string name, uint salt, long first, Span<float> values)
    {
        var seed = Seed(name, salt);
        for (var i = 0; i < values.Length; i++)
            values[i] = (Hash(unchecked((uint)(first + i) + seed)) >> 8) * Resolution;
    }

    /// <summary>Elements of a weight as they lie in a checkpoint.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="shape">The tensor's sizes: they decide how far the values spread.</param>
    /// <param name="salt">Another one gives other numbers for all names.</param>
    /// <param name="first">The index of the first element.</param>
    /// <param name="values">Room for the elements.</param>
    public static void Weights(string name, ReadOnlySpan<long> shape, uint salt, long first, Span<Half> values)
    {
        var (centre, spread) = Range(name, shape);
        var seed = Seed(name, salt);
        var i = 0;
        var (centres, spreads) = (Vector256.Create(centre), Vector256.Create(2 * spread));
        var lanes = Vector256<uint>.Indices;
        ref var target = ref Unsafe.As<Half, ushort>(ref MemoryMarshal.GetReference(values));
        for (; i <= values.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            var start = unchecked((uint)(first + i) + seed);
            var low = Elements(Vector256.Create(start) + lanes, centres, spreads);
            var high = Elements(Vector256.Create(unchecked(start + 8)) + lanes, centres, spreads);
            Vector256.Narrow(ToHalf(low), ToHalf(high)).StoreUnsafe(ref target, (nuint)i);
        }
        for (; i < values.Length; i++)
        {
            var u = (Hash(unchecked((uint)(first + i) + seed)) >> 8) * Resolution;
            values[i] = (Half)(centre + 2 * spread * (u - 0.5f));
        }
    }

    /// <summary>What the values lie around, and how far from it at most.</summary>
    public static (float Centre, float Spread) Range(string name, ReadOnlySpan<long> shape)
    {
        if (shape.Length == 1 && (name.Contains("norm", StringComparison.Ordinal) || name.Contains("layrnorm", StringComparison.Ordinal)))
            return (name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0, NormSpread);
        if (name.Contains("embed_tokens", StringComparison.Ordinal))
            return (0, 0.05f);
        if (name.Contains("lm_head", StringComparison.Ordinal))
            return (0, 0.04f);
        if (name.Contains("position_embedding", StringComparison.Ordinal) || name.Contains("class_embedding", StringComparison.Ordinal))
            return (0, 0.05f);
        if (shape.Length == 1)
            return (0, 0.02f);
        double inputs = 1;
        foreach (var size in shape[1..])
            inputs *= size;
        return (0, (float)(1.2 / Math.Sqrt(inputs)));
    }

    // the multiplication that the formula asks of the checksum
    private static uint Seed(string name, uint salt) => unchecked((Crc32.Append(0, Encoding.UTF8.GetBytes(name)) + salt) * GoldenRatio);

    private static uint Hash(uint x)
    {
        unchecked
        {
            x ^= x >> 16;
            x *= 0x85EBCA6B;
            x ^= x >> 13;
            x *= 0xC2B2AE35;
            return x ^ x >> 16;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Elements(Vector256<uint> x, Vector256<float> centre, Vector256<float> spread)
    {
        x ^= x >>> 16;
        x *= Vector256.Create(0x85EBCA6B);
        x ^= x >>> 13;
        x *= Vector256.Create(0xC2B2AE35);
        x ^= x >>> 16;
        var u = Vector256.ConvertToSingle((x >>> 8).AsInt32()) * Vector256.Create(Resolution);
        return centre + spread * (u - Vector256.Create(0.5f));
    }

    // rounds to the nearest even half; the magnitudes here are far below the largest
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> ToHalf(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        var sign = bits & Vector256.Create(0x80000000);
        bits ^= sign;
        // exponents move from 127 to 15; half of the last place, less one when it is even, rounds
        var normal = (bits + Vector256.Create(unchecked((uint)(15 - 127) << 23) + 0xFFF) + ((bits >>> 13) & Vector256<uint>.One)) >>> 13;
        // below 2^-14 adding 0.5 leaves exactly the bits of a subnormal half at the end of the fraction, rounded
        var subnormal = (bits.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(0x3F000000u);
        return Vector256.ConditionalSelect(Vector256.LessThan(bits, Vector256.Create(0x38800000u)), subnormal, normal) | sign >>> 16;
    }
}
