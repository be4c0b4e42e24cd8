namespace LlavaSharp.Generation.Constraints;

/// <summary>The sets of characters that regular expressions have names for, as ECMAScript means them.</summary>
internal static class PatternSets
{
    private static readonly (int, int)[] _digits = [('0', '9')];
    private static readonly (int, int)[] _word = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
    private static readonly (int, int)[] _space =
        [(9, 13), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)];

    /// <summary>What a point stands for.</summary>
    public static IReadOnlyList<(int First, int Last)> AllButLineEnds { get; } = Utf8Ranges.Complement([('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029)]);

    /// <summary>The set behind a backslash and a letter; null where the letter names none.</summary>
    public static IReadOnlyList<(int First, int Last)>? Of(char letter) => letter switch
    {
        'd' => _digits,
        'D' => Utf8Ranges.Complement(_digits),
        'w' => _word,
        'W' => Utf8Ranges.Complement(_word),
        's' => _space,
        'S' => Utf8Ranges.Complement(_space),
        't' => [(9, 9)],
        'n' => [(10, 10)],
        'v' => [(11, 11)],
        'f' => [(12, 12)],
        'r' => [(13, 13)],
        _ => null,
    };
}
