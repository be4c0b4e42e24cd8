using System.Globalization;
using System.Text.RegularExpressions;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>
/// A regular expression that sees code points. .NET's sees UTF-16 units, so text beyond U+FFFF is matched through a stand-in of
/// one unit for each code point: a character of the same general category, which is all that tokenizer patterns ask of it.
/// </summary>
internal sealed partial class CodePointRegex
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly char[] StandIns = FindStandIns();
    private readonly Regex _regex;
    private readonly string _file;

    /// <exception cref="TokenizerException">The pattern is not valid here.</exception>
    public CodePointRegex(string pattern, string file)
    {
        _file = file;
        if (pattern.Any(char.IsSurrogate))
            throw new TokenizerException($"'{file}': the pattern '{pattern}' names characters beyond U+FFFF, which is not supported.", file);
        try
        {
            _regex = new Regex(pattern, RegexOptions.CultureInvariant, Limit);
        }
        catch (ArgumentException exception)
        {
            throw new TokenizerException($"'{file}': the pattern '{pattern}' is not supported: {exception.Message}", file, exception);
        }
    }

    private CodePointRegex(Regex regex) => (_regex, _file) = (regex, "");

    /// <summary>The pattern of GPT-2 and GPT-NeoX.</summary>
    public static CodePointRegex Gpt2 { get; } = new(Gpt2Pattern());

    /// <summary>The matches, none empty, in order.</summary>
    public List<(int Start, int End)> Matches(string text)
    {
        var matches = new List<(int, int)>();
        try
        {
            if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            {
                foreach (var match in _regex.EnumerateMatches(text))
                    if (match.Length > 0)
                        matches.Add((match.Index, match.Index + match.Length));
                return matches;
            }
            var units = new char[text.Length];
            var offsets = new int[text.Length + 1];
            var count = 0;
            for (var i = 0; i < text.Length; count++)
            {
                var length = TextUtilities.CodePointLength(text, i);
                offsets[count] = i;
                units[count] = length == 1 ? text[i] : StandIns[(int)CharUnicodeInfo.GetUnicodeCategory(text, i)];
                i += length;
            }
            offsets[count] = text.Length;
            foreach (var match in _regex.EnumerateMatches(units.AsSpan(0, count)))
                if (match.Length > 0)
                    matches.Add((offsets[match.Index], offsets[match.Index + match.Length]));
            return matches;
        }
        catch (RegexMatchTimeoutException exception)
        {
            throw new TokenizerException($"'{_file}': the pattern '{_regex}' takes too long on this text.", _file, exception);
        }
    }

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Gpt2Pattern();

    private static char[] FindStandIns()
    {
        var found = new char[Enum.GetValues<UnicodeCategory>().Length];
        for (var c = '\u1000'; c < '\uFFFF'; c++)
        {
            var category = (int)CharUnicodeInfo.GetUnicodeCategory(c);
            if (found[category] == 0)
                found[category] = c;
        }
        return found;
    }
}
