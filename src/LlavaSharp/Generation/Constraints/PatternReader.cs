using System.Globalization;

namespace LlavaSharp.Generation.Constraints;

/// <summary>Reads the regular expression of a <c>pattern</c>, as ECMAScript means it. What is not regular, or seldom used, is refused by name.</summary>
/// <param name="pattern">The expression.</param>
/// <param name="pointer">Where it is.</param>
internal sealed class PatternReader(string pattern, string pointer)
{
    private const int MostLength = 2000;
    private const int MostDepth = 40;
    private const int MostRepeats = 2000;

    private int _at;
    private int _depth;

    /// <summary>The alternatives of the whole, each with whether it must begin and end where the text does.</summary>
    public IReadOnlyList<(bool AtStart, PatternNode Node, bool AtEnd)> Read()
    {
        if (pattern.Length > MostLength)
            throw Refuse($"it is longer than {MostLength} characters");
        var branches = new List<(bool, PatternNode, bool)>();
        do
        {
            var start = Take('^');
            var node = Sequence();
            branches.Add((start, node, Take('$')));
        }
        while (Take('|'));
        return _at == pattern.Length ? branches : throw Refuse($"'{pattern[_at]}' at {_at} is not expected there");
    }

    private PatternNode Alternatives()
    {
        if (++_depth > MostDepth)
            throw Refuse($"groups are nested deeper than {MostDepth}");
        var nodes = new List<PatternNode> { Sequence() };
        while (Take('|'))
            nodes.Add(Sequence());
        _depth--;
        return nodes.Count == 1 ? nodes[0] : new PatternNode.Either(nodes);
    }

    private PatternNode Sequence()
    {
        var nodes = new List<PatternNode>();
        while (_at < pattern.Length && pattern[_at] is not ('|' or ')' or '$'))
            nodes.Add(Repeated(Atom()));
        return new PatternNode.Sequence(nodes);
    }

    private PatternNode Repeated(PatternNode node)
    {
        int least, most;
        if (Take('*'))
            (least, most) = (0, -1);
        else if (Take('+'))
            (least, most) = (1, -1);
        else if (Take('?'))
            (least, most) = (0, 1);
        else if (Take('{'))
            (least, most) = Counts();
        else
            return node;
        Take('?');   // which of several ways is tried first changes nothing here
        if (_at < pattern.Length && pattern[_at] is '*' or '+' or '{')
            throw Refuse($"a count follows a count at {_at}");
        return new PatternNode.Repeat(node, least, most < 0 ? null : most);
    }

    private (int Least, int Most) Counts()
    {
        var least = Number();
        var most = least;
        if (Take(','))
            most = _at < pattern.Length && pattern[_at] == '}' ? -1 : Number();
        if (!Take('}') || (most >= 0 && most < least))
            throw Refuse($"the count that ends at {_at} is malformed");
        return (least, most);
    }

    private int Number()
    {
        var start = _at;
        while (_at < pattern.Length && char.IsAsciiDigit(pattern[_at]))
            _at++;
        if (!int.TryParse(pattern.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw Refuse($"a number is missing at {start}");
        return number <= MostRepeats ? number : throw Refuse($"the count {number} is larger than {MostRepeats}");
    }

    private PatternNode Atom()
    {
        switch (pattern[_at])
        {
            case '(':
                _at++;
                if (Take('?') && !Take(':'))
                    throw Refuse($"the group at {_at - 2} is none of (...) and (?:...)");
                var inside = Alternatives();
                return Take(')') ? inside : throw Refuse("a bracket is not closed, or '$' stands inside a group");
            case '[':
                _at++;
                return new PatternNode.Set(Class());
            case '.':
                _at++;
                return new PatternNode.Set(PatternSets.AllButLineEnds);
            case '\\':
                return new PatternNode.Set(Escape());
            case '*' or '+' or '?' or '{' or '^' or ']' or '}':
                throw Refuse($"'{pattern[_at]}' at {_at} is not expected there");
            default:
                return new PatternNode.Set([CodePoint()]);
        }
    }

    private IReadOnlyList<(int, int)> Class()
    {
        var negated = Take('^');
        var ranges = new List<(int First, int Last)>();
        while (true)
        {
            if (_at >= pattern.Length)
                throw Refuse("a class [...] is not closed");
            if (Take(']'))
                return negated ? Utf8Ranges.Complement(ranges) : ranges;
            var first = Member();
            if (_at + 1 < pattern.Length && pattern[_at] == '-' && pattern[_at + 1] != ']')
            {
                _at++;
                var last = Member();
                if (first is not [(var low, var same)] || last is not [(var other, var high)] || low != same || other != high || high < low)
                    throw Refuse($"the range that ends at {_at} is malformed");
                first = [(low, high)];
            }
            ranges.AddRange(first);
        }
    }

    private IReadOnlyList<(int, int)> Member() => _at >= pattern.Length ? throw Refuse("a class [...] is not closed") : pattern[_at] == '\\' ? Escape() : [CodePoint()];

    private (int, int) CodePoint()
    {
        if (!System.Text.Rune.TryGetRuneAt(pattern, _at, out var rune))
            throw Refuse($"half a character stands at {_at}");
        _at += rune.Utf16SequenceLength;
        return (rune.Value, rune.Value);
    }

    private IReadOnlyList<(int, int)> Escape()
    {
        if (++_at >= pattern.Length)
            throw Refuse("it ends in a backslash");
        var letter = pattern[_at++];
        if (PatternSets.Of(letter) is { } set)
            return set;
        if (letter is 'x' or 'u')
        {
            var count = letter == 'x' ? 2 : 4;
            if (_at + count > pattern.Length || !int.TryParse(pattern.AsSpan(_at, count), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || value is >= 0xD800 and <= 0xDFFF)
                throw Refuse($"'\\{letter}' at {_at - 2} names no character");
            _at += count;
            return [(value, value)];
        }
        return char.IsAsciiLetterOrDigit(letter) ? throw Refuse($"'\\{letter}' is not known") : [(letter, letter)];
    }

    private bool Take(char letter)
    {
        if (_at >= pattern.Length || pattern[_at] != letter)
            return false;
        _at++;
        return true;
    }

    private JsonSchemaException Refuse(string why) => new(pointer, $"the pattern cannot be held to: {why}. Simplify it, or leave it out.");
}
