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

    /// <summary>Removes from the right every code point that occurs in <paramref name="set"/>.</summary>
    public static string StripRight(string text, string set)
    {
        var end = text.Length;
        while (end > 0)
        {
            Rune.DecodeLastFromUtf16(text.AsSpan(0, end), out var rune, out var length);
            if (!Contains(set, text.AsSpan(end - length, length), rune))
                break;
            end -= length;
        }
        return text[..end];
    }

    /// <summary>A text in quotes, as Python's <c>repr</c> writes it.</summary>
    public static string Quote(string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        var quoted = new StringBuilder().Append(quote);
        foreach (var rune in text.EnumerateRunes())
            quoted.Append(rune.Value switch
            {
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < 0x20 or (>= 0x7f and < 0xa1) or 0xad => $"\\x{rune.Value:x2}",
                _ when rune.Value == quote => $"\\{quote}",
                _ => rune.ToString(),
            });
        return quoted.Append(quote).ToString();
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

    /// <summary>Whether Python counts a character as white space.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f';
}
