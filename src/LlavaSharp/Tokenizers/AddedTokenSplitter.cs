namespace LlavaSharp.Tokenizers;

/// <summary>Cuts a text at its added tokens, as the original's slow tokenizers do.</summary>
internal static class AddedTokenSplitter
{
    /// <summary>The parts in order, none empty; a part that is an added token stands for that token.</summary>
    public static List<string> Split(string text, TokenMatcher matcher, Func<string, AddedToken> find)
    {
        var parts = new List<string>();
        var position = 0;
        while (matcher.TryFind(text, position, out var start, out var word))
        {
            if (start > position)
                parts.Add(text[position..start]);
            parts.Add(word);
            position = start + word.Length;
        }
        if (position < text.Length)
            parts.Add(text[position..]);

        var stripped = false;
        for (var i = 0; i < parts.Count; i++)
        {
            if (matcher.LongestAt(parts[i], 0) != parts[i] || parts[i].Length == 0)
                continue;
            var token = find(parts[i]);
            if (!token.LeftStrip && !token.RightStrip && !token.SingleWord)
                continue;
            stripped = true;
            if (token.RightStrip && i + 1 < parts.Count)
                parts[i + 1] = TextUtilities.TrimStartLikePython(parts[i + 1]);
            if (token.LeftStrip && i > 0)
                parts[i - 1] = TextUtilities.TrimEndLikePython(parts[i - 1]);
            if (!token.SingleWord)
                continue;
            if (i > 0 && parts[i - 1] is { Length: > 0 } left && left[^1] != ' ')
                (parts[i - 1], parts[i]) = (left + parts[i], "");
            else if (i + 1 < parts.Count && parts[i + 1] is { Length: > 0 } right && right[0] != ' ')
                (parts[i + 1], parts[i]) = (parts[i] + right, "");
        }
        if (stripped)
            parts.RemoveAll(part => part.Length == 0);
        return parts;
    }
}
