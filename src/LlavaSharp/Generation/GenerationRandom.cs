using System.Numerics;
using System.Security.Cryptography;

namespace LlavaSharp.Generation;

/// <summary>
/// The random numbers of sampling: xoshiro256** (Blackman and Vigna, 2018), its state filled from the seed by SplitMix64 (Steele, Lea and
/// Flood, 2014). Only whole-number arithmetic is used, so a seed gives the same numbers on every platform.
/// </summary>
/// <remarks>Not safe for concurrent use.</remarks>
public sealed class GenerationRandom
{
    private ulong _s0, _s1, _s2, _s3;

    /// <summary>Starts from a seed, or from a fresh one when it is null.</summary>
    public GenerationRandom(ulong? seed = null)
    {
        Seed = seed ?? BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        var state = Seed;
        _s0 = SplitMix(ref state);
        _s1 = SplitMix(ref state);
        _s2 = SplitMix(ref state);
        _s3 = SplitMix(ref state);
    }

    /// <summary>The seed in use: with it a run can be repeated.</summary>
    public ulong Seed { get; }

    /// <summary>The next 64 random bits.</summary>
    public ulong NextBits()
    {
        var result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        var shifted = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= shifted;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A number from 0 (included) to 1 (excluded), with 53 random bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
