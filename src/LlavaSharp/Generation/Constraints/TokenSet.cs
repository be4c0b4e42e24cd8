using System.Numerics;

namespace LlavaSharp.Generation.Constraints;

/// <summary>A set of ids of a vocabulary, a bit for each.</summary>
/// <param name="vocabulary">The number of ids.</param>
internal sealed class TokenSet(int vocabulary)
{
    private const int Bits = 64;

    private readonly ulong[] _words = new ulong[(vocabulary + Bits - 1) / Bits];

    /// <summary>The bytes that it takes.</summary>
    public int Size => _words.Length * sizeof(ulong);

    public int Count => _words.Sum(BitOperations.PopCount);

    public void Add(int id) => _words[id / Bits] |= 1UL << (id % Bits);

    public bool Contains(int id) => id >= 0 && id < vocabulary && (_words[id / Bits] >> (id % Bits) & 1) != 0;

    /// <summary>Sets the logits of all ids that are not in the set to minus infinity.</summary>
    public void Restrict(Span<float> logits)
    {
        for (var start = 0; start < logits.Length; start += Bits)
        {
            var word = start / Bits < _words.Length ? _words[start / Bits] : 0;
            if (word == ulong.MaxValue)
                continue;
            var part = logits[start..Math.Min(start + Bits, logits.Length)];
            if (word == 0)
            {
                part.Fill(float.NegativeInfinity);
                continue;
            }
            for (var i = 0; i < part.Length; i++)
                if ((word >> i & 1) == 0)
                    part[i] = float.NegativeInfinity;
        }
    }
}
