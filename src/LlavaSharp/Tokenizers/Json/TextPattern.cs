using System.Text;
using System.Text.Json;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>The <c>pattern</c> of a component: a plain string or a regular expression.</summary>
internal sealed class TextPattern
{
    private readonly string? _literal;
    private readonly CodePointRegex? _regex;

    public TextPattern(string literal) => _literal = literal;

    private TextPattern(CodePointRegex regex) => _regex = regex;

    public static TextPattern Read(JsonElement component, string file)
    {
        var pattern = component.Get("pattern") ?? throw new TokenizerException($"'{file}': a component lacks its 'pattern'.", file);
        if (pattern.ValueKind == JsonValueKind.String)
            return new TextPattern(pattern.Text("'pattern'", file));
        if (pattern.Get("String") is { } literal)
            return new TextPattern(literal.Text("'String'", file));
        if (pattern.Get("Regex") is { } regex)
            return new TextPattern(new CodePointRegex(regex.Text("'Regex'", file), file));
        throw new TokenizerException($"'{file}': a 'pattern' must hold 'String' or 'Regex'.", file);
    }

    public string Replace(string text, string replacement)
    {
        if (_literal is { Length: > 0 })
            return text.Replace(_literal, replacement, StringComparison.Ordinal);
        var builder = new StringBuilder(text.Length);
        var position = 0;
        foreach (var (start, end) in Matches(text))
        {
            builder.Append(text, position, start - position).Append(replacement);
            position = end;
        }
        return builder.Append(text, position, text.Length - position).ToString();
    }

    /// <summary>The matches, none empty, in order.</summary>
    public List<(int Start, int End)> Matches(string text)
    {
        if (_regex is not null)
            return _regex.Matches(text);
        var matches = new List<(int, int)>();
        if (_literal is not { Length: > 0 })
            return matches;
        for (var i = text.IndexOf(_literal, StringComparison.Ordinal); i >= 0; i = text.IndexOf(_literal, i + _literal.Length, StringComparison.Ordinal))
            matches.Add((i, i + _literal.Length));
        return matches;
    }
}
