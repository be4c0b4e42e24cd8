using System.Globalization;

namespace LlavaSharp.Generation.Constraints;

/// <summary>Numbers between two bounds, as instructions that read their digits. No exponents.</summary>
/// <param name="builder">Where they are added.</param>
/// <param name="isWhole">Whether only whole numbers count.</param>
internal sealed class NumberRange(AutomatonBuilder builder, bool isWhole)
{
    private const int MostDigits = 15;
    private const int MostFraction = 9;
    private const decimal Largest = 999_999_999_999_999m;

    /// <summary>A number from the least to the most.</summary>
    /// <param name="least">The lower bound; null: none.</param>
    /// <param name="most">The upper bound; null: none.</param>
    /// <param name="next">What follows.</param>
    public int Add(NumberBound? least, NumberBound? most, int next)
    {
        // beyond 15 digits no number is written
        var low = least is { } l && l.Value > -Largest ? l : new(-Largest, false);
        var high = most is { } m && m.Value < Largest ? m : new(Largest, false);
        var positive = high.Value < 0 ? AutomatonBuilder.Never : Magnitude(low.Value < 0 ? new(0, false) : low, high, next);
        var negative = low.Value >= 0 ? AutomatonBuilder.Never
            : builder.Byte('-', Magnitude(high.Value > 0 ? new(0, true) : new(-high.Value, high.IsExclusive), new(-low.Value, low.IsExclusive), next));
        return builder.Split(positive, negative);
    }

    // numbers without a sign: one way for each number of digits in front of the point
    private int Magnitude(NumberBound low, NumberBound high, int next)
    {
        var (lowWhole, lowFraction) = Split(low.Value);
        var (highWhole, highFraction) = Split(high.Value);
        var targets = new List<int>();
        for (var length = lowWhole.Length; length <= Math.Min(highWhole.Length, MostDigits); length++)
        {
            var isLow = length == lowWhole.Length;
            var isHigh = length == highWhole.Length;
            var digits = new Digits(
                length,
                (isLow ? lowWhole : "1".PadRight(length, '0')) + (isLow ? lowFraction : ""),
                (isHigh ? highWhole : new string('9', length)) + (isHigh ? highFraction : new string('9', MostFraction)),
                isLow && low.IsExclusive,
                isHigh && high.IsExclusive);
            targets.Add(At(digits, 0, true, true, next, []));
        }
        return builder.Split(targets);
    }

    // behind so many digits; whether those so far are the bound's own
    private int At(Digits digits, int at, bool atLow, bool atHigh, int next, Dictionary<(int, bool, bool), int> known)
    {
        if (known.TryGetValue((at, atLow, atHigh), out var place))
            return place;
        var inFraction = at >= digits.Whole;
        var targets = new List<int>();
        if (inFraction && MayEnd(digits, at, atLow, atHigh) && at != digits.Whole)
            targets.Add(next);
        if (at < digits.Whole + (isWhole ? 0 : Math.Max(MostFraction, Math.Max(digits.Low.Length, digits.High.Length) - digits.Whole + 1)))
        {
            int first = atLow ? Digit(digits.Low, at) : 0, last = atHigh ? Digit(digits.High, at) : 9;
            for (var digit = first; digit <= last; digit++)
                targets.Add(builder.Byte((char)('0' + digit), After(digits, at + 1, atLow && digit == first, atHigh && digit == last, next, known)));
        }
        return known[(at, atLow, atHigh)] = builder.Split(targets);
    }

    // the end of the whole part: the number may end, or a point follow
    private int After(Digits digits, int at, bool atLow, bool atHigh, int next, Dictionary<(int, bool, bool), int> known)
    {
        if (at != digits.Whole)
            return At(digits, at, atLow, atHigh, next, known);
        return builder.Split(
            MayEnd(digits, at, atLow, atHigh) ? next : AutomatonBuilder.Never,
            isWhole ? AutomatonBuilder.Never : builder.Byte('.', At(digits, at, atLow, atHigh, next, known)));
    }

    // what is not written counts as zeros
    private static bool MayEnd(Digits digits, int at, bool atLow, bool atHigh)
    {
        var isLow = atLow && RestIsZero(digits.Low, at);
        var isHigh = atHigh && RestIsZero(digits.High, at);
        return (!atLow || (isLow && !digits.ExcludesLow)) && !(isHigh && digits.ExcludesHigh);
    }

    private static bool RestIsZero(string digits, int from) => from >= digits.Length || digits.AsSpan(from).TrimStart('0').IsEmpty;

    private static int Digit(string digits, int at) => at < digits.Length ? digits[at] - '0' : 0;

    private static (string Whole, string Fraction) Split(decimal value)
    {
        var text = value.ToString("0.############################", CultureInfo.InvariantCulture);
        var point = text.IndexOf('.', StringComparison.Ordinal);
        return point < 0 ? (text, "") : (text[..point], text[(point + 1)..]);
    }

    private sealed record Digits(int Whole, string Low, string High, bool ExcludesLow, bool ExcludesHigh);
}
