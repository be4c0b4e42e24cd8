using System.Text;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>What Python does with texts, counted.</summary>
internal static class Texts
{
    public static string Strip(RenderContext context, string text, string? characters, bool left, bool right)
    {
        // each character is compared with each of the set
        context.Characters(text.Length * (long)Math.Max(1, characters?.Length ?? 1));
        if (characters is null)
        {
            int start = 0, end = text.Length;
            while (left && start < end && PythonText.IsSpace(text[start]))
                start++;
            while (right && end > start && PythonText.IsSpace(text[end - 1]))
                end--;
            return text[start..end];
        }
        text = left ? PythonText.StripLeft(text, characters) : text;
        return right ? PythonText.StripRight(text, characters) : text;
    }

    public static string Upper(RenderContext context, string text)
    {
        context.Characters(text.Length);
        return text.ToUpperInvariant();
    }

    public static string Lower(RenderContext context, string text)
    {
        context.Characters(text.Length);
        return text.ToLowerInvariant();
    }

    /// <summary>A capital at the beginning of each word, small letters after it.</summary>
    /// <param name="context">Counts the characters.</param>
    /// <param name="text">The text.</param>
    /// <param name="asFilter">Words begin after blanks, hyphens and opening brackets, as for Jinja's filter; else after anything that is no letter, as for Python's method.</param>
    public static string Title(RenderContext context, string text, bool asFilter = false)
    {
        context.Characters(text.Length);
        var result = new StringBuilder(text.Length);
        var inWord = false;
        Span<char> units = stackalloc char[2];
        foreach (var rune in text.EnumerateRunes())
        {
            result.Append(units[..(inWord ? Rune.ToLowerInvariant(rune) : Rune.ToUpperInvariant(rune)).EncodeToUtf16(units)]);
            inWord = asFilter ? !Rune.IsWhiteSpace(rune) && !(rune.IsBmp && "-({[<".Contains((char)rune.Value)) : Rune.IsLetter(rune);
        }
        return result.ToString();
    }

    /// <summary>A capital at the beginning, small letters after it.</summary>
    public static string Capitalize(RenderContext context, string text)
    {
        context.Characters(text.Length);
        return text.Length == 0 || Rune.DecodeFromUtf16(text, out var first, out var length) != System.Buffers.OperationStatus.Done
            ? text.ToLowerInvariant()
            : Rune.ToUpperInvariant(first) + text[length..].ToLowerInvariant();
    }

    /// <summary>Takes a text off one end, if it stands there.</summary>
    public static string Without(RenderContext context, string text, string part, bool atEnd)
    {
        context.Characters((long)text.Length + part.Length);
        if (atEnd)
            return text.EndsWith(part, StringComparison.Ordinal) ? text[..^part.Length] : text;
        return text.StartsWith(part, StringComparison.Ordinal) ? text[part.Length..] : text;
    }

    /// <summary>Replaces a text, everywhere or (<paramref name="count"/> from 0 on) the first times.</summary>
    public static string Replace(RenderContext context, string text, string old, string with, long count)
    {
        context.Search(text, old);
        var most = count < 0 ? long.MaxValue : count;
        if (old.Length == 0)
            return Interleave(context, text, with, most);
        var result = new StringBuilder();
        var from = 0;
        for (; most > 0 && text.IndexOf(old, from, StringComparison.Ordinal) is >= 0 and var at; most--)
        {
            context.Characters(with.Length);
            result.Append(text, from, at - from).Append(with);
            from = at + old.Length;
        }
        context.Characters(text.Length);
        return result.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>The parts between separators; without a separator, between white space, and none of them empty.</summary>
    /// <param name="context">Counts the characters.</param>
    /// <param name="text">The text.</param>
    /// <param name="separator">What stands between the parts, or null.</param>
    /// <param name="most">How often it is cut at most.</param>
    /// <param name="fromRight">Whether it is cut from the right.</param>
    public static IReadOnlyList<string> Split(RenderContext context, string text, string? separator, int most, bool fromRight)
    {
        context.Characters(text.Length);
        if (separator is null)
            return fromRight ? SplitSpaceFromRight(context, text, most) : SplitSpace(context, text, most);
        if (separator.Length == 0)
            throw context.Error("a text cannot be split at an empty separator.");
        context.Search(text, separator);
        var parts = new List<string>();
        if (!fromRight)
        {
            var from = 0;
            while (parts.Count < most && text.IndexOf(separator, from, StringComparison.Ordinal) is >= 0 and var at)
            {
                context.Step();
                parts.Add(text[from..at]);
                from = at + separator.Length;
            }
            parts.Add(text[from..]);
            return parts;
        }
        var end = text.Length;
        while (parts.Count < most && text.AsSpan(0, end).LastIndexOf(separator) is >= 0 and var at)
        {
            context.Step();
            parts.Add(text[(at + separator.Length)..end]);
            end = at;
        }
        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    // what replacing the empty text does: it stands in front of every character, and at the end
    private static string Interleave(RenderContext context, string text, string with, long most)
    {
        var result = new StringBuilder();
        foreach (var character in CodePoints.Split(text).Append(""))
        {
            context.Characters(character.Length + with.Length);
            result.Append(most-- > 0 ? with : "").Append(character);
        }
        return result.ToString();
    }

    private static List<string> SplitSpace(RenderContext context, string text, int most)
    {
        var parts = new List<string>();
        for (var at = SkipSpace(text, 0); at < text.Length;)
        {
            var end = at;
            if (parts.Count == most)
                end = text.Length;
            while (end < text.Length && !PythonText.IsSpace(text[end]))
                end++;
            context.Step();
            parts.Add(text[at..end]);
            at = SkipSpace(text, end);
        }
        return parts;
    }

    private static List<string> SplitSpaceFromRight(RenderContext context, string text, int most)
    {
        var parts = new List<string>();
        for (var end = SkipSpaceBack(text, text.Length); end > 0;)
        {
            var at = end;
            if (parts.Count == most)
                at = 0;
            while (at > 0 && !PythonText.IsSpace(text[at - 1]))
                at--;
            context.Step();
            parts.Add(text[at..end]);
            end = SkipSpaceBack(text, at);
        }
        parts.Reverse();
        return parts;
    }

    private static int SkipSpace(string text, int at)
    {
        while (at < text.Length && PythonText.IsSpace(text[at]))
            at++;
        return at;
    }

    private static int SkipSpaceBack(string text, int end)
    {
        while (end > 0 && PythonText.IsSpace(text[end - 1]))
            end--;
        return end;
    }
}
