namespace LlavaSharp.Generation.Constraints;

/// <summary>Characters of ranges of code points, as bytes of UTF-8.</summary>
internal static class Utf8Ranges
{
    private const int Largest = 0x10FFFF;

    // the largest code point of each length of the UTF-8 form, and the surrogates, which have none
    private static readonly (int First, int Last)[] _lengths = [(0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, Largest)];

    /// <summary>One character of the ranges.</summary>
    /// <param name="builder">Where it is added.</param>
    /// <param name="ranges">First and last code points; surrogates in them do not count.</param>
    /// <param name="next">What follows.</param>
    public static int Add(AutomatonBuilder builder, IEnumerable<(int First, int Last)> ranges, int next)
    {
        var targets = new List<int>();
        foreach (var (first, last) in ranges)
        {
            foreach (var length in _lengths)
            {
                var (low, high) = (Math.Max(first, length.First), Math.Min(last, length.Last));
                if (low <= high)
                    targets.Add(Sequence(builder, Encode(low), Encode(high), next));
            }
        }
        return builder.Split(targets);
    }

    /// <summary>All code points that are not in the ranges.</summary>
    public static IReadOnlyList<(int First, int Last)> Complement(IEnumerable<(int First, int Last)> ranges)
    {
        var complement = new List<(int, int)>();
        var from = 0;
        foreach (var (first, last) in ranges.OrderBy(range => range.First))
        {
            if (first > from)
                complement.Add((from, first - 1));
            from = Math.Max(from, last + 1);
        }
        if (from <= Largest)
            complement.Add((from, Largest));
        return complement;
    }

    /// <summary>The code points in both.</summary>
    public static IReadOnlyList<(int First, int Last)> Intersect(IEnumerable<(int First, int Last)> left, IEnumerable<(int First, int Last)> right) =>
        Complement([.. Complement(left), .. Complement(right)]);

    // forms of one length, from low to high
    private static int Sequence(AutomatonBuilder builder, ReadOnlySpan<byte> low, ReadOnlySpan<byte> high, int next)
    {
        if (low.Length == 1)
            return builder.Byte(ByteSet.Range(low[0], high[0]), next);
        if (low[0] == high[0])
            return builder.Byte(ByteSet.Of(low[0]), Sequence(builder, low[1..], high[1..], next));
        Span<byte> least = stackalloc byte[low.Length - 1], most = stackalloc byte[low.Length - 1];
        least.Fill(0x80);
        most.Fill(0xBF);
        var targets = new List<int>
        {
            builder.Byte(ByteSet.Of(low[0]), Sequence(builder, low[1..], most, next)),
            builder.Byte(ByteSet.Of(high[0]), Sequence(builder, least, high[1..], next)),
        };
        if (high[0] - low[0] > 1)
            targets.Add(builder.Byte(ByteSet.Range((byte)(low[0] + 1), (byte)(high[0] - 1)), Sequence(builder, least, most, next)));
        return builder.Split(targets);
    }

    private static byte[] Encode(int codePoint)
    {
        Span<byte> bytes = stackalloc byte[4];
        return [.. bytes[..new System.Text.Rune(codePoint).EncodeToUtf8(bytes)]];
    }
}
