using System.Text;

namespace LlavaSharp.Prompts;

/// <summary>Text operations that the original takes from Python and that .NET does a little differently.</summary>
internal static class PythonText
{
    /// <summary>Removes white space on both sides; Python also counts U+001C to U+001F.</summary>
    public static string Strip(string text)
    {
        int start = 0, end = text.Length;
        while (start < end && IsSpace(text[start]))
            start++;
        while (end > start && IsSpace(text[end - 1]))
            end--;
        return text[start..end];
    }

    /// <summary>Removes from the left every code point that occurs in <paramref name="set"/>.</summary>
    public static string StripLeft(string text, string set)
    {
        var start = 0;
        while (start < text.Length)
        {
            Rune.DecodeFromUtf16(text.AsSpan(start), out var rune, out var length);
            if (!Contains(set, text.AsSpan(start, length), rune))
                break;
            start += length;
        }
        return text[start..];
    }

    private static bool Contains(ReadOnlySpan<char> set, ReadOnlySpan<char> wanted, Rune rune)
    {
        while (set.Length > 0)
        {
            Rune.DecodeFromUtf16(set, out var candidate, out var length);
            if (candidate == rune && set[..length].SequenceEqual(wanted))
                return true;
            set = set[length..];
        }
        return false;
    }

    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f';
}
