using System.Text;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Texts as Python sees them: rows of code points, not of UTF-16 units.</summary>
internal static class CodePoints
{
    public static long Count(string text)
    {
        long count = text.Length;
        for (var i = 1; i < text.Length; i++)
            if (char.IsSurrogatePair(text[i - 1], text[i]))
                count--;
        return count;
    }

    /// <summary>Each code point as a text of its own.</summary>
    public static IEnumerable<string> Split(string text)
    {
        for (var i = 0; i < text.Length;)
        {
            var length = Length(text, i);
            yield return text.Substring(i, length);
            i += length;
        }
    }

    /// <summary>Where each code point begins, or null where they are the UTF-16 units.</summary>
    public static int[]? Starts(RenderContext context, string text)
    {
        context.Characters(text.Length);
        var count = Count(text);
        if (count == text.Length)
            return null;
        context.Characters(2 * count);
        var starts = new int[count];
        for (int i = 0, at = 0; i < starts.Length; i++)
        {
            starts[i] = at;
            at += Length(text, at);
        }
        return starts;
    }

    /// <summary>A code point by its number; <paramref name="starts"/> comes from <see cref="Starts"/>.</summary>
    public static ReadOnlySpan<char> At(string text, int[]? starts, int index) =>
        starts is null ? text.AsSpan(index, 1) : text.AsSpan(starts[index], Length(text, starts[index]));

    /// <summary>The order of code points; UTF-16 units have another one where surrogates stand.</summary>
    public static int Compare(string a, string b)
    {
        var same = a.AsSpan().CommonPrefixLength(b);
        if (same == a.Length || same == b.Length)
            return a.Length.CompareTo(b.Length);
        // the pair that the first difference stands in begins one unit before
        if (same > 0 && char.IsHighSurrogate(a[same - 1]))
            same--;
        Rune.DecodeFromUtf16(a.AsSpan(same), out var left, out _);
        Rune.DecodeFromUtf16(b.AsSpan(same), out var right, out _);
        return left.CompareTo(right);
    }

    private static int Length(string text, int at) => at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
}
