using LlavaSharp.Data.Synth;

namespace LlavaSharp.Evaluation.Synth;

/// <summary>What an answer says, by its words: whole words, whatever their case, other words around them ignored.</summary>
internal static class SynthAnswerText
{
    private static readonly Dictionary<string, int> _colors = Index(SynthWords.Colors, ("grey", SynthColor.Gray));

    private static readonly Dictionary<string, int> _shapes = Index(
        SynthWords.Shapes,
        [.. SynthWords.Shapes.Select((name, i) => (name + "s", (SynthShape)i))]);

    private static readonly Dictionary<string, int> _sizes = Index(
        SynthWords.Sizes,
        ("large", SynthSize.Big), ("huge", SynthSize.Big), ("little", SynthSize.Small), ("tiny", SynthSize.Small));

    private static readonly Dictionary<string, int> _numbers = Numbers();

    private static readonly Dictionary<string, string> _sides = new() { ["left"] = "left", ["right"] = "right" };

    private static readonly Dictionary<string, string> _heights = new()
    {
        ["above"] = "above", ["over"] = "above", ["higher"] = "above", ["below"] = "below", ["under"] = "below", ["beneath"] = "below", ["underneath"] = "below", ["lower"] = "below",
    };

    private static readonly string[][] _denials =
    [
        ["there", "is", "no"], ["there", "is", "not"], ["there", "isn't"], ["there's", "no"], ["there", "are", "no"], ["there", "are", "not"], ["there", "aren't"],
        ["no", "such"], ["not", "see"], ["don't", "see"], ["can't", "see"], ["cannot", "see"], ["not", "present"], ["not", "there"], ["isn't", "there"],
        ["not", "visible"], ["not", "in", "the", "picture"], ["not", "in", "the", "image"], ["does", "not", "contain"], ["doesn't", "contain"], ["does", "not", "show"], ["doesn't", "show"],
    ];

    /// <summary>The words in small letters: runs of letters, digits and apostrophes.</summary>
    public static string[] Words(string text)
    {
        var words = new List<string>();
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && (char.IsLetterOrDigit(text[i]) || text[i] is '\'' or '\u2019'))
            {
                start = start < 0 ? i : start;
                continue;
            }
            if (start >= 0)
                words.Add(text[start..i].ToLowerInvariant().Replace('\u2019', '\'').Trim('\''));
            start = -1;
        }
        return [.. words];
    }

    public static int? Color(ReadOnlySpan<string> words) => First(words, _colors);

    public static int? Shape(ReadOnlySpan<string> words) => First(words, _shapes);

    public static int? Size(ReadOnlySpan<string> words) => First(words, _sizes);

    public static string? Side(ReadOnlySpan<string> words) => FirstName(words, _sides);

    public static string? Height(ReadOnlySpan<string> words) => FirstName(words, _heights);

    public static bool IsColor(string word) => _colors.ContainsKey(word);

    public static bool IsShape(string word) => _shapes.ContainsKey(word);

    public static bool IsSize(string word) => _sizes.ContainsKey(word);

    /// <summary>The first number, as a word or in digits; "no" and "none" count as zero where no number is named.</summary>
    public static int? Number(ReadOnlySpan<string> words)
    {
        foreach (var word in words)
        {
            if (_numbers.TryGetValue(word, out var number) || int.TryParse(word, out number))
                return number;
        }
        foreach (var word in words)
        {
            if (word is "no" or "none" or "nothing")
                return 0;
        }
        return null;
    }

    /// <summary>True for yes, false for no, null for neither: by the first word, else by "there is a" and "there is no".</summary>
    public static bool? YesOrNo(ReadOnlySpan<string> words)
    {
        if (words.Length == 0)
            return null;
        if (words[0] is "yes" or "no")
            return words[0] == "yes";
        if (Denies(words))
            return false;
        return words.Length > 1 && words[0] == "there" && words[1] is "is" or "are" ? true : null;
    }

    /// <summary>The place, 0 to 8, or null: "top left", "the upper left corner", "center" alone for the middle.</summary>
    public static int? Place(ReadOnlySpan<string> words)
    {
        int row = -1, column = -1, middles = 0;
        foreach (var word in words)
        {
            switch (word)
            {
                case "top" or "upper" when row < 0: row = 0; break;
                case "bottom" or "lower" when row < 0: row = 2; break;
                case "left" when column < 0: column = 0; break;
                case "right" when column < 0: column = 2; break;
                case "middle" or "center" or "centre" or "central": middles++; break;
            }
        }
        if (middles == 0)
            return row < 0 || column < 0 ? null : row * 3 + column;
        return (row < 0 ? 1 : row) * 3 + (column < 0 ? 1 : column);
    }

    /// <summary>Whether it says that something is not there.</summary>
    public static bool Denies(ReadOnlySpan<string> words) => FindDenial(words) >= 0;

    /// <summary>Where it begins to say that something is not there, or -1.</summary>
    public static int FindDenial(ReadOnlySpan<string> words)
    {
        var first = -1;
        foreach (var denial in _denials)
        {
            var at = words.IndexOf(denial);
            if (at >= 0 && (first < 0 || at < first))
                first = at;
        }
        return first;
    }

    /// <summary>The first thing that is named: "red circle", "circle" or "red" (of any shape); null when none is.</summary>
    public static (int? Color, int? Shape)? FirstNoun(ReadOnlySpan<string> words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            if (_shapes.TryGetValue(words[i], out var shape))
                return (null, shape);
            if (_colors.TryGetValue(words[i], out var color))
                return (color, i + 1 < words.Length && _shapes.TryGetValue(words[i + 1], out shape) ? shape : null);
        }
        return null;
    }

    private static int? First(ReadOnlySpan<string> words, Dictionary<string, int> known)
    {
        foreach (var word in words)
        {
            if (known.TryGetValue(word, out var value))
                return value;
        }
        return null;
    }

    private static string? FirstName(ReadOnlySpan<string> words, Dictionary<string, string> known)
    {
        foreach (var word in words)
        {
            if (known.TryGetValue(word, out var value))
                return value;
        }
        return null;
    }

    private static Dictionary<string, int> Index<T>(IReadOnlyList<string> names, params ReadOnlySpan<(string Name, T Value)> more)
        where T : struct, Enum
    {
        var index = new Dictionary<string, int>();
        for (var i = 0; i < names.Count; i++)
            index.Add(names[i], i);
        foreach (var (name, value) in more)
            index.Add(name, Convert.ToInt32(value, System.Globalization.CultureInfo.InvariantCulture));
        return index;
    }

    private static Dictionary<string, int> Numbers()
    {
        string[] names = [.. SynthWords.Numbers, "six", "seven", "eight", "nine", "ten"];
        return names.Select((name, number) => (name, number)).ToDictionary(pair => pair.name, pair => pair.number);
    }
}
