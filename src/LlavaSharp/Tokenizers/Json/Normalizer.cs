using System.Text.Json;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>The <c>normalizer</c> of a tokenizer.json: text to text, before it is cut.</summary>
internal static class Normalizer
{
    // some files ask for a replacement by a longer text again and again: a text may grow this much and no more
    private const int LargestText = 1 << 28;

    public static Func<string, string> Read(JsonElement? component, string file)
    {
        if (component is not { } element)
            return text => text;
        var type = element.RequiredText("type", file);
        switch (type)
        {
            case "Sequence":
                var steps = element.Items("normalizers", file).Select(item => Read(item, file)).ToArray();
                return text => steps.Aggregate(text, (current, step) => Check(step(current), file));
            case "Prepend":
                return Prepend(element.RequiredText("prepend", file));
            case "Replace":
                var pattern = TextPattern.Read(element, file);
                var content = element.RequiredText("content", file);
                return text => pattern.Replace(text, content);
            case "NFC":
                return UnicodeComposition.Compose;
            case "NFD":
                return UnicodeComposition.Decompose;
            case "Lowercase":
                return text => text.ToLowerInvariant();
            case "Strip":
                bool left = element.Flag("strip_left", true, file), right = element.Flag("strip_right", true, file);
                return text => left ? right ? text.Trim() : text.TrimStart() : right ? text.TrimEnd() : text;
            default:
                throw new TokenizerException($"'{file}': the normalizer '{type}' is not supported; known: Sequence, Prepend, Replace, NFC, NFD, Lowercase, Strip.", file);
        }
    }

    public static Func<string, string> Prepend(string prefix) => text => text.Length == 0 ? text : prefix + text;

    private static string Check(string text, string file) => text.Length <= LargestText
        ? text
        : throw new TokenizerException($"'{file}': the normalizer makes the text longer than {LargestText} characters.", file);
}
