using System.Globalization;
using System.Text.Json;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>A part of the text on its way to the model; <paramref name="AtStart"/>: it is where the whole text begins.</summary>
internal readonly record struct TextPart(string Text, bool AtStart);

/// <summary>The <c>pre_tokenizer</c> of a tokenizer.json: cuts text into words that the model never joins.</summary>
internal static class PreTokenizer
{
    public static Func<TextPart, IEnumerable<TextPart>> Read(JsonElement? component, string file, bool? addPrefixSpace = null)
    {
        if (component is not { } element)
            return part => [part];
        var type = element.RequiredText("type", file);
        switch (type)
        {
            case "Sequence":
                var steps = element.Items("pretokenizers", file).Select(item => Read(item, file)).ToArray();
                return part => steps.Aggregate<Func<TextPart, IEnumerable<TextPart>>, IEnumerable<TextPart>>([part], (parts, step) => parts.SelectMany(step));
            case "ByteLevel":
                return ByteLevel(addPrefixSpace ?? element.Flag("add_prefix_space", true, file), element.Flag("use_regex", true, file));
            case "Metaspace":
                return Metaspace(element, file);
            case "Split":
                var pattern = TextPattern.Read(element, file);
                return Split(pattern.Matches, element.RequiredText("behavior", file), element.Flag("invert", false, file), file);
            case "Digits":
                var alone = element.Flag("individual_digits", false, file);
                return Split(Digits, alone ? "Isolated" : "Contiguous", false, file);
            case "WhitespaceSplit":
                return Split(new CodePointRegex(@"\s", file).Matches, "Removed", false, file);
            case "Whitespace":
                return Split(new CodePointRegex(@"\w+|[^\w\s]+", file).Matches, "Removed", true, file);
            default:
                throw new TokenizerException(
                    $"'{file}': the pre-tokenizer '{type}' is not supported; known: Sequence, ByteLevel, Metaspace, Split, Digits, Whitespace, WhitespaceSplit.", file);
        }
    }

    /// <summary>The <c>prepend_scheme</c> of a Metaspace component; older files say <c>add_prefix_space</c>.</summary>
    public static string MetaspaceScheme(JsonElement element, string file)
    {
        var scheme = element.Get("prepend_scheme")?.Text("'prepend_scheme'", file) ?? (element.Flag("add_prefix_space", true, file) ? "always" : "never");
        return scheme is "always" or "first" or "never" ? scheme : throw new TokenizerException($"'{file}': the prepend scheme '{scheme}' is not known.", file);
    }

    /// <summary>The one character that a Metaspace component writes for a space.</summary>
    public static char MetaspaceReplacement(JsonElement element, string file)
    {
        var replacement = element.Get("replacement")?.Text("'replacement'", file) ?? "\u2581";
        return replacement.Length == 1 ? replacement[0] : throw new TokenizerException($"'{file}': the replacement '{replacement}' is not one character.", file);
    }

    private static Func<TextPart, IEnumerable<TextPart>> ByteLevel(bool addPrefixSpace, bool useRegex) => part =>
    {
        if (addPrefixSpace && !part.Text.StartsWith(' '))
            part = part with { Text = " " + part.Text };
        if (!useRegex)
            return [part with { Text = ByteLevelAlphabet.Encode(part.Text) }];
        return Cut(part, CodePointRegex.Gpt2.Matches(part.Text), "Isolated", false)
            .Select(piece => piece with { Text = ByteLevelAlphabet.Encode(piece.Text) });
    };

    private static Func<TextPart, IEnumerable<TextPart>> Metaspace(JsonElement element, string file)
    {
        var replacement = MetaspaceReplacement(element, file);
        var scheme = MetaspaceScheme(element, file);
        var split = element.Flag("split", true, file);
        var pattern = new TextPattern(replacement.ToString());
        return part =>
        {
            var text = part.Text.Replace(' ', replacement);
            if (!text.StartsWith(replacement) && (scheme == "always" || (scheme == "first" && part.AtStart)))
                text = replacement + text;
            part = part with { Text = text };
            return split ? Cut(part, pattern.Matches(text), "MergedWithNext", false) : [part];
        };
    }

    private static List<(int Start, int End)> Digits(string text)
    {
        var matches = new List<(int, int)>();
        for (var i = 0; i < text.Length;)
        {
            var length = TextUtilities.CodePointLength(text, i);
            if (CharUnicodeInfo.GetUnicodeCategory(text, i) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber)
                matches.Add((i, i + length));
            i += length;
        }
        return matches;
    }

    private static Func<TextPart, IEnumerable<TextPart>> Split(Func<string, List<(int Start, int End)>> find, string behavior, bool invert, string file)
    {
        if (behavior is not ("Removed" or "Isolated" or "MergedWithPrevious" or "MergedWithNext" or "Contiguous"))
            throw new TokenizerException($"'{file}': the split behavior '{behavior}' is not known.", file);
        return part => Cut(part, find(part.Text), behavior, invert);
    }

    private static List<TextPart> Cut(TextPart part, List<(int Start, int End)> matches, string behavior, bool invert)
    {
        var pieces = new List<(int Start, int End, bool Match)>();
        var position = 0;
        foreach (var (start, end) in matches)
        {
            if (start > position)
                pieces.Add((position, start, invert));
            pieces.Add((start, end, !invert));
            position = end;
        }
        if (position < part.Text.Length)
            pieces.Add((position, part.Text.Length, invert));

        var parts = new List<TextPart>(pieces.Count);
        for (var i = 0; i < pieces.Count;)
        {
            var first = pieces[i++];
            var end = first.End;
            switch (behavior)
            {
                case "Removed" when first.Match:
                    continue;
                case "Contiguous":
                    for (; i < pieces.Count && pieces[i].Match == first.Match; i++)
                        end = pieces[i].End;
                    break;
                case "MergedWithPrevious" when !first.Match && i < pieces.Count && pieces[i].Match:
                case "MergedWithNext" when first.Match && i < pieces.Count && !pieces[i].Match:
                    end = pieces[i++].End;
                    break;
            }
            parts.Add(new TextPart(part.Text[first.Start..end], part.AtStart && first.Start == 0));
        }
        return parts;
    }
}
