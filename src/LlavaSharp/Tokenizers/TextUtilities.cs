using System.Text;

namespace LlavaSharp.Tokenizers;

/// <summary>Small rules about text that several tokenizers share.</summary>
internal static class TextUtilities
{
    /// <summary>What SentencePiece writes for a space, U+2581.</summary>
    public const char SpaceSymbol = '\u2581';

    /// <summary>The text with every lone surrogate replaced by U+FFFD, since it has no UTF-8 form.</summary>
    public static string RepairSurrogates(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else
                return ReplaceLoneSurrogates(text);
        }
        return text;
    }

    /// <summary>The number of chars of the code point at <paramref name="index"/>: 1 or 2.</summary>
    public static int CodePointLength(ReadOnlySpan<char> text, int index) =>
        char.IsHighSurrogate(text[index]) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]) ? 2 : 1;

    /// <summary>White space as Python's <c>str.strip</c> sees it.</summary>
    public static bool IsPythonWhiteSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    public static string TrimStartLikePython(string text)
    {
        var start = 0;
        while (start < text.Length && IsPythonWhiteSpace(text[start]))
            start++;
        return text[start..];
    }

    public static string TrimEndLikePython(string text)
    {
        var end = text.Length;
        while (end > 0 && IsPythonWhiteSpace(text[end - 1]))
            end--;
        return text[..end];
    }

    /// <summary>The original's <c>clean_up_tokenization_spaces</c>: no space before punctuation and English contractions.</summary>
    public static string CleanUpSpaces(string text) => text
        .Replace(" .", ".", StringComparison.Ordinal)
        .Replace(" ?", "?", StringComparison.Ordinal)
        .Replace(" !", "!", StringComparison.Ordinal)
        .Replace(" ,", ",", StringComparison.Ordinal)
        .Replace(" ' ", "'", StringComparison.Ordinal)
        .Replace(" n't", "n't", StringComparison.Ordinal)
        .Replace(" 'm", "'m", StringComparison.Ordinal)
        .Replace(" 's", "'s", StringComparison.Ordinal)
        .Replace(" 've", "'ve", StringComparison.Ordinal)
        .Replace(" 're", "'re", StringComparison.Ordinal);

    /// <summary>The byte of a piece such as <c>&lt;0x0A&gt;</c>, or -1.</summary>
    public static int ByteOfPiece(string piece)
    {
        if (piece.Length != 6 || piece[0] != '<' || piece[1] != '0' || piece[2] != 'x' || piece[5] != '>')
            return -1;
        int high = HexDigit(piece[3]), low = HexDigit(piece[4]);
        return high < 0 || low < 0 ? -1 : (high << 4) | low;
    }

    private static int HexDigit(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'A' and <= 'F' => c - 'A' + 10,
        >= 'a' and <= 'f' => c - 'a' + 10,
        _ => -1,
    };

    private static string ReplaceLoneSurrogates(string text)
    {
        var builder = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) // an invalid unit comes out as U+FFFD
            builder.Append(rune);
        return builder.ToString();
    }
}
