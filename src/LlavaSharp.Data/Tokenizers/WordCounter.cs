using System.Globalization;
using System.Text;

namespace LlavaSharp.Data.Tokenizers;

/// <summary>
/// Cuts texts into the words inside which pieces may grow: a space begins a word, letters, other signs and each script that needs no spaces stand apart,
/// digits stand alone, control characters are left to the byte pieces.
/// </summary>
internal sealed class WordCounter(bool splitDigits)
{
    private const string Space = "\u2581";

    private enum Kind
    {
        Space,
        Letter,
        Ideograph,
        Digit,
        Sign,
        Control,
    }

    /// <summary>How often each word occurs.</summary>
    public Dictionary<string, long> Words { get; } = new(StringComparer.Ordinal);

    /// <summary>How often each character occurs, the space symbol included.</summary>
    public Dictionary<string, long> Characters { get; } = new(StringComparer.Ordinal);

    public void Add(string text)
    {
        var word = new StringBuilder();
        var spaces = 0;
        var last = Kind.Control;
        // the model puts a space in front of every text
        foreach (var rune in (" " + text).EnumerateRunes())
        {
            var kind = KindOf(rune);
            if (kind == Kind.Space)
            {
                Flush();
                spaces++;
            }
            else
            {
                if (word.Length > 0 && (kind != last || (kind == Kind.Digit && splitDigits)))
                    Flush();
                if (kind != Kind.Control)
                {
                    BeginWord(joins: kind != Kind.Digit || !splitDigits);
                    word.Append(rune);
                    Count(Characters, rune.ToString(), 1);
                }
                else
                {
                    BeginWord(joins: false);
                }
            }
            last = kind;
        }
        Flush();
        BeginWord(joins: false);

        void Flush()
        {
            if (word.Length > 0)
                Count(Words, word.ToString(), 1);
            word.Clear();
        }

        // of a run of spaces the last belongs to the word that follows, the others are a word of their own
        void BeginWord(bool joins)
        {
            if (spaces == 0)
                return;
            Count(Characters, Space, spaces);
            if (joins)
            {
                spaces--;
                word.Append(Space);
            }
            if (spaces > 0)
                Count(Words, new string(Space[0], spaces), 1);
            spaces = 0;
        }
    }

    private static void Count(Dictionary<string, long> counts, string key, long times) =>
        System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(counts, key, out _) += times;

    private static Kind KindOf(Rune rune)
    {
        if (rune.Value is ' ' or 0x2581)
            return Kind.Space;
        switch (Rune.GetUnicodeCategory(rune))
        {
            case UnicodeCategory.Control:
                return Kind.Control;
            case UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber:
                return Kind.Digit;
            case UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
                or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark:
                // CJK radicals to Yi, Hangul, compatibility ideographs, the supplementary planes of ideographs
                return rune.Value is (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7FF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x3FFFF)
                    ? Kind.Ideograph
                    : Kind.Letter;
            default:
                return Kind.Sign;
        }
    }
}
