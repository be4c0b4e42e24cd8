using System.Globalization;
using System.Text;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>
/// Cuts a template into pieces. Around tags it treats white space as the original's library sets Jinja up (<c>trim_blocks</c>, <c>lstrip_blocks</c>):
/// the line end after a block goes, and so does the indentation in front of one; <c>-</c> in a tag takes all white space on its side, <c>+</c> none.
/// </summary>
internal sealed class TemplateLexer
{
    /// <summary>The characters of a name at most.</summary>
    public const int LongestName = 200;

    // longest first
    private static readonly string[] _operators =
        ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|", ";"];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _position;
    private int _line = 1;
    private int _counted;

    private TemplateLexer(string source) => _source = source;

    /// <summary>The pieces of a template.</summary>
    /// <exception cref="ChatTemplateException">A tag or a text in quotes does not end, or there is a character that means nothing.</exception>
    public static List<TemplateToken> Read(string source, ChatTemplateLimits limits)
    {
        if (source.Length > limits.SourceLength)
            throw new ChatTemplateException($"it has {source.Length} characters; at most {limits.SourceLength} are read.", 1);
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        // Jinja leaves out a line end at the very end
        return new TemplateLexer(source.EndsWith('\n') ? source[..^1] : source).Read();
    }

    private List<TemplateToken> Read()
    {
        while (_position < _source.Length)
        {
            var tag = FindTag(_position);
            if (tag < 0)
            {
                Add(TemplateTokenKind.Text, _source[_position..], _position);
                break;
            }
            ReadTag(tag);
        }
        Add(TemplateTokenKind.End, "", _source.Length);
        return _tokens;
    }

    private int FindTag(int from)
    {
        for (var at = _source.IndexOf('{', from); at >= 0 && at + 1 < _source.Length; at = _source.IndexOf('{', at + 1))
            if (_source[at + 1] is '{' or '%' or '#')
                return at;
        return -1;
    }

    private void ReadTag(int tag)
    {
        var kind = _source[tag + 1];
        var sign = At(tag + 2) is '-' or '+' ? At(tag + 2) : '\0';
        var lineStarts = _position == 0 || _source[_position - 1] == '\n';
        AddTextBefore(tag, kind, sign, lineStarts);
        _position = tag + (sign == '\0' ? 2 : 3);
        switch (kind)
        {
            case '#':
                SkipComment(tag);
                break;
            case '%' when RawBegins(_position) is { } inside:
                ReadRaw(tag, inside);
                break;
            case '%':
                Add(TemplateTokenKind.BlockBegin, "{%", tag);
                ReadInside(tag, '%', TemplateTokenKind.BlockEnd);
                break;
            default:
                Add(TemplateTokenKind.PrintBegin, "{{", tag);
                ReadInside(tag, '}', TemplateTokenKind.PrintEnd);
                break;
        }
    }

    private void AddTextBefore(int tag, char kind, char sign, bool lineStarts)
    {
        var end = tag;
        if (sign == '-')
        {
            while (end > _position && PythonText.IsSpace(_source[end - 1]))
                end--;
        }
        else if (sign != '+' && kind != '{')
        {
            var indentation = tag;
            while (indentation > _position && _source[indentation - 1] != '\n' && PythonText.IsSpace(_source[indentation - 1]))
                indentation--;
            if (indentation > _position ? _source[indentation - 1] == '\n' : lineStarts)
                end = indentation;
        }
        if (end > _position)
            Add(TemplateTokenKind.Text, _source[_position..end], _position);
    }

    private void SkipComment(int tag)
    {
        var end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0)
            throw new ChatTemplateException("the comment '{#' has no end '#}'.", LineAt(tag));
        var sign = end > _position ? _source[end - 1] : '\0';
        _position = end + 2;
        AfterBlock(sign);
    }

    // where the text of a raw block begins, or null when the tag is another one
    private int? RawBegins(int from)
    {
        var at = SkipSpace(from);
        if (!_source.AsSpan(at).StartsWith("raw"))
            return null;
        at = SkipSpace(at + 3);
        if (_source.AsSpan(at).StartsWith("-%}"))
            return SkipSpace(at + 3);
        return _source.AsSpan(at).StartsWith("%}") ? at + 2 : null;
    }

    private void ReadRaw(int tag, int inside)
    {
        for (var end = _source.IndexOf("{%", inside, StringComparison.Ordinal); end >= 0; end = _source.IndexOf("{%", end + 2, StringComparison.Ordinal))
        {
            var sign = At(end + 2) is '-' or '+' ? At(end + 2) : '\0';
            var at = SkipSpace(end + (sign == '\0' ? 2 : 3));
            if (!_source.AsSpan(at).StartsWith("endraw"))
                continue;
            at = SkipSpace(at + 6);
            var lastSign = At(at) is '-' or '+' ? At(at) : '\0';
            if (lastSign != '\0')
                at++;
            if (!_source.AsSpan(at).StartsWith("%}"))
                continue;
            _position = inside;
            AddTextBefore(end, '%', sign, _source[inside - 1] == '\n');
            _position = at + 2;
            AfterBlock(lastSign);
            return;
        }
        throw new ChatTemplateException("the block 'raw' has no end 'endraw'.", LineAt(tag));
    }

    private void AfterBlock(char sign)
    {
        if (sign == '-')
            _position = SkipSpace(_position);
        else if (sign != '+' && At(_position) == '\n')
            _position++;
    }

    // names, texts, numbers and operators up to the end of the tag
    private void ReadInside(int tag, char last, TemplateTokenKind endKind)
    {
        var open = new Stack<char>();
        while (true)
        {
            _position = SkipSpace(_position);
            if (_position >= _source.Length)
                throw new ChatTemplateException($"the tag '{_source.Substring(tag, 2)}' has no end '{last}}}'.", LineAt(tag));
            if (open.Count == 0 && EndOfTag(last) is { } sign)
            {
                Add(endKind, $"{last}}}", _position);
                _position += sign == '\0' ? 2 : 3;
                if (endKind == TemplateTokenKind.BlockEnd)
                    AfterBlock(sign);
                else if (sign == '-')
                    _position = SkipSpace(_position);
                return;
            }
            ReadPiece(open);
        }
    }

    // the sign in front of the tag's end when it is here, null when it is not
    private char? EndOfTag(char last)
    {
        var c = At(_position);
        if (c == last && At(_position + 1) == '}')
            return '\0';
        // only blocks know '+' at their end
        var sign = c == '-' || (c == '+' && last == '%');
        return sign && At(_position + 1) == last && At(_position + 2) == '}' ? c : null;
    }

    private void ReadPiece(Stack<char> open)
    {
        var start = _position;
        var c = _source[start];
        if (char.IsAsciiDigit(c))
        {
            ReadNumber(start);
            return;
        }
        if (c == '_' || char.IsLetter(c))
        {
            while (_position < _source.Length && (_source[_position] == '_' || char.IsLetterOrDigit(_source[_position])))
                _position++;
            if (_position - start > LongestName)
                throw new ChatTemplateException($"a name has {_position - start} characters; at most {LongestName} are read.", LineAt(start));
            Add(TemplateTokenKind.Name, _source[start.._position], start);
            return;
        }
        if (c is '\'' or '"')
        {
            ReadString(start, c);
            return;
        }
        foreach (var candidate in _operators)
        {
            if (string.CompareOrdinal(_source, start, candidate, 0, candidate.Length) != 0)
                continue;
            if (c is '(' or '[' or '{')
                open.Push(c == '(' ? ')' : c == '[' ? ']' : '}');
            else if (c is ')' or ']' or '}' && (!open.TryPop(out var wanted) || wanted != c))
                throw new ChatTemplateException($"'{c}' closes nothing that was opened.", LineAt(start));
            _position += candidate.Length;
            Add(TemplateTokenKind.Operator, candidate, start);
            return;
        }
        Rune.DecodeFromUtf16(_source.AsSpan(start), out var rune, out _);
        throw new ChatTemplateException($"the character '{rune}' (U+{rune.Value:X4}) means nothing here.", LineAt(start));
    }

    private void ReadNumber(int start)
    {
        SkipDigits();
        var isFloat = false;
        // a point after a point is an index: in 'a.0.1' the zero is whole
        if (At(_position) == '.' && char.IsAsciiDigit(At(_position + 1)) && (_tokens.Count == 0 || !_tokens[^1].Is(".")))
        {
            isFloat = true;
            _position++;
            SkipDigits();
        }
        if (At(_position) is 'e' or 'E')
        {
            var digits = At(_position + 1) is '+' or '-' ? 2 : 1;
            if (char.IsAsciiDigit(At(_position + digits)))
            {
                isFloat = true;
                _position += digits;
                SkipDigits();
            }
        }
        var text = _source[start.._position].Replace("_", "", StringComparison.Ordinal);
        Add(isFloat ? TemplateTokenKind.Float : TemplateTokenKind.Integer, text, start);
    }

    private void SkipDigits()
    {
        while (char.IsAsciiDigit(At(_position)) || (At(_position) == '_' && char.IsAsciiDigit(At(_position + 1))))
            _position++;
    }

    private void ReadString(int start, char quote)
    {
        var text = new StringBuilder();
        _position++;
        while (true)
        {
            if (_position >= _source.Length)
                throw new ChatTemplateException("a text in quotes does not end.", LineAt(start));
            var c = _source[_position++];
            if (c == quote)
                break;
            if (c == '\\')
                ReadEscape(text, start);
            else
                text.Append(c);
        }
        Add(TemplateTokenKind.String, text.ToString(), start);
    }

    // Python's escapes; one that Python does not know stays as it is
    private void ReadEscape(StringBuilder text, int start)
    {
        if (_position >= _source.Length)
            throw new ChatTemplateException("a text in quotes does not end.", LineAt(start));
        var c = _source[_position++];
        switch (c)
        {
            case '\n':
                break;
            case '\\' or '\'' or '"':
                text.Append(c);
                break;
            case 'n':
                text.Append('\n');
                break;
            case 't':
                text.Append('\t');
                break;
            case 'r':
                text.Append('\r');
                break;
            case 'a':
                text.Append('\a');
                break;
            case 'b':
                text.Append('\b');
                break;
            case 'f':
                text.Append('\f');
                break;
            case 'v':
                text.Append('\v');
                break;
            case 'x':
                ReadCode(text, start, 2);
                break;
            case 'u':
                ReadCode(text, start, 4);
                break;
            case 'U':
                ReadCode(text, start, 8);
                break;
            case >= '0' and <= '7':
                var octal = c - '0';
                for (var i = 0; i < 2 && At(_position) is >= '0' and <= '7'; i++)
                    octal = (octal * 8) + _source[_position++] - '0';
                text.Append((char)octal);
                break;
            default:
                text.Append('\\').Append(c);
                break;
        }
    }

    private void ReadCode(StringBuilder text, int start, int digits)
    {
        if (_position + digits > _source.Length
            || !uint.TryParse(_source.AsSpan(_position, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || code > 0x10ffff)
            throw new ChatTemplateException($"a text in quotes has an escape without its {digits} hexadecimal digits.", LineAt(start));
        _position += digits;
        if (code > 0xffff)
            text.Append(char.ConvertFromUtf32((int)code));
        else
            text.Append((char)code);
    }

    private int SkipSpace(int at)
    {
        while (at < _source.Length && PythonText.IsSpace(_source[at]))
            at++;
        return at;
    }

    private char At(int index) => index < _source.Length ? _source[index] : '\0';

    private void Add(TemplateTokenKind kind, string text, int at) => _tokens.Add(new TemplateToken(kind, text, LineAt(at)));

    // positions mostly grow, so the whole is counted about once
    private int LineAt(int position)
    {
        if (position < _counted)
            return _line - _source.AsSpan(position, _counted - position).Count('\n');
        _line += _source.AsSpan(_counted, position - _counted).Count('\n');
        _counted = position;
        return _line;
    }
}
