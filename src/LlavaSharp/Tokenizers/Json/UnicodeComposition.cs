using System.Globalization;
using System.Text;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>
/// Canonical composition (NFC) and decomposition (NFD) from our own tables: .NET leaves text as it is when
/// globalization is invariant, and ids must not depend on how the application was built.
/// </summary>
internal static class UnicodeComposition
{
    private const int HangulS = 0xAC00, HangulL = 0x1100, HangulV = 0x1161, HangulT = 0x11A7;
    private const int HangulLCount = 19, HangulVCount = 21, HangulTCount = 28;
    private static readonly Lazy<Tables> Data = new(ReadTables);

    public static string Compose(string text) => Transform(text, compose: true);

    public static string Decompose(string text) => Transform(text, compose: false);

    private static string Transform(string text, bool compose)
    {
        // nothing below U+00C0 is ever changed, and up to U+02FF only decomposition changes text
        var harmless = compose ? '\u0300' : '\u00C0';
        if (!text.AsSpan().ContainsAnyInRange(harmless, char.MaxValue))
            return text;
        var tables = Data.Value;
        var points = new List<int>(text.Length + 8);
        foreach (var rune in text.EnumerateRunes())
            Decompose(rune.Value, tables, points);
        Order(points, tables);
        if (compose)
            Compose(points, tables);
        var builder = new StringBuilder(points.Count);
        foreach (var point in points)
            builder.Append(new Rune(point));
        return builder.ToString();
    }

    private static void Decompose(int point, Tables tables, List<int> output)
    {
        var syllable = point - HangulS;
        if (syllable is >= 0 and < HangulLCount * HangulVCount * HangulTCount)
        {
            output.Add(HangulL + (syllable / (HangulVCount * HangulTCount)));
            output.Add(HangulV + (syllable / HangulTCount % HangulVCount));
            if (syllable % HangulTCount != 0)
                output.Add(HangulT + (syllable % HangulTCount));
            return;
        }
        if (!tables.Decompositions.TryGetValue(point, out var parts))
        {
            output.Add(point);
            return;
        }
        Decompose(parts.First, tables, output);
        if (parts.Second >= 0)
            Decompose(parts.Second, tables, output);
    }

    // marks between two starters are sorted by class, equal classes keep their order
    private static void Order(List<int> points, Tables tables)
    {
        for (var start = 0; start < points.Count;)
        {
            if (tables.ClassOf(points[start]) == 0)
            {
                start++;
                continue;
            }
            var end = start;
            while (end < points.Count && tables.ClassOf(points[end]) != 0)
                end++;
            if (end - start > 1)
            {
                var sorted = points.GetRange(start, end - start).OrderBy(tables.ClassOf).ToList();
                for (var i = 0; i < sorted.Count; i++)
                    points[start + i] = sorted[i];
            }
            start = end;
        }
    }

    private static void Compose(List<int> points, Tables tables)
    {
        int starter = -1, lastClass = 0, kept = 0;
        for (var i = 0; i < points.Count; i++)
        {
            var point = points[i];
            var combining = tables.ClassOf(point);
            // a mark is blocked from its starter by another of the same or a higher class between them
            if (starter >= 0 && (kept == starter + 1 || (lastClass != 0 && lastClass < combining)) && Pair(points[starter], point, tables) is { } composite)
            {
                points[starter] = composite;
                continue;
            }
            if (combining == 0)
                starter = kept;
            lastClass = combining;
            points[kept++] = point;
        }
        points.RemoveRange(kept, points.Count - kept);
    }

    private static int? Pair(int first, int second, Tables tables)
    {
        if (first is >= HangulL and < HangulL + HangulLCount && second is >= HangulV and < HangulV + HangulVCount)
            return HangulS + ((((first - HangulL) * HangulVCount) + second - HangulV) * HangulTCount);
        if (first is >= HangulS and < HangulS + (HangulLCount * HangulVCount * HangulTCount) && (first - HangulS) % HangulTCount == 0
            && second is > HangulT and < HangulT + HangulTCount)
            return first + second - HangulT;
        return tables.Compositions.TryGetValue((first, second), out var composite) ? composite : null;
    }

    private static Tables ReadTables()
    {
        var tables = new Tables();
        using var stream = typeof(UnicodeComposition).Assembly.GetManifestResourceStream("LlavaSharp.Tokenizers.CanonicalDecompositions.txt")
            ?? throw new InvalidOperationException("The assembly lacks its table of decompositions.");
        using var reader = new StreamReader(stream, Encoding.ASCII);
        while (reader.ReadLine() is { } line)
        {
            var fields = line.Split(' ');
            if (fields[0] == "D")
            {
                int point = Hex(fields[1]), first = Hex(fields[3]), second = fields.Length > 4 ? Hex(fields[4]) : -1;
                tables.Decompositions[point] = (first, second);
                if (fields[2] == ">")
                    tables.Compositions[(first, second)] = point;
            }
            else if (fields[0] == "C")
            {
                var combining = byte.Parse(fields[1], CultureInfo.InvariantCulture);
                foreach (var range in fields.Skip(2))
                {
                    var ends = range.Split('-');
                    for (var point = Hex(ends[0]); point <= Hex(ends[^1]); point++)
                        tables.Classes[point] = combining;
                }
            }
        }
        return tables;
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private sealed class Tables
    {
        public Dictionary<int, (int First, int Second)> Decompositions { get; } = [];

        public Dictionary<(int First, int Second), int> Compositions { get; } = [];

        public Dictionary<int, byte> Classes { get; } = [];

        public byte ClassOf(int point) => Classes.GetValueOrDefault(point);
    }
}
