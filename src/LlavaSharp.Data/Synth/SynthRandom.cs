using System.Runtime.CompilerServices;

namespace LlavaSharp.Data.Synth;

/// <summary>A small generator whose numbers depend on (seed, index, stream) alone, so that any sample can be made on any thread in any order.</summary>
internal sealed class SynthRandom
{
    private ulong _state;

    public SynthRandom(long seed, long index, uint stream)
    {
        // Three rounds of the mixer keep neighbouring seeds and indices apart.
        var state = Mix((ulong)seed + 0x9E3779B97F4A7C15UL);
        state = Mix(state ^ ((ulong)index + 0xD1B54A32D192ED03UL));
        _state = Mix(state ^ (stream + 0x8CB92BA72F3D8DD7UL));
    }

    /// <summary>64 fresh bits (SplitMix64).</summary>
    public ulong Next() => Mix(_state += 0x9E3779B97F4A7C15UL);

    /// <summary>A whole number from 0 to <paramref name="count"/> - 1.</summary>
    public int Below(int count) => (int)(((Next() >> 32) * (ulong)count) >> 32);

    /// <summary>A whole number from <paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    /// <summary>A number in [0, 1).</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double Range(double low, double high) => low + (high - low) * Unit();

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => Unit() < probability;

    /// <summary>One of the items, each as likely.</summary>
    public T Pick<T>(ReadOnlySpan<T> items) => items[Below(items.Length)];

    /// <summary>An index drawn by weight; the weights need not add up to one, but one must be above zero.</summary>
    public int Weighted(ReadOnlySpan<double> weights)
    {
        var total = 0.0;
        foreach (var weight in weights)
            total += weight;
        var at = Unit() * total;
        var last = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] <= 0)
                continue;
            last = i;
            if ((at -= weights[i]) < 0)
                return i;
        }
        return last;
    }

    /// <summary>Puts the items into a random order.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
