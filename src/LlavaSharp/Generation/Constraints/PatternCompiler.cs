using System.Globalization;

namespace LlavaSharp.Generation.Constraints;

/// <summary>Strings of JSON whose text matches a regular expression, as instructions.</summary>
/// <param name="builder">Where they are added.</param>
internal sealed class PatternCompiler(AutomatonBuilder builder)
{
    private const string Day28 = "(0[1-9]|1\\d|2[0-8])";
    private const string Date = $"\\d{{4}}-(02-{Day28}|(0[469]|11)-(0[1-9]|[12]\\d|30)|(0[13578]|1[02])-(0[1-9]|[12]\\d|3[01]))";
    private const string Time = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
    private const string Octet = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

    private static readonly (int, int)[] _anything = [(0, 0x10FFFF)];
    private static readonly (int, int)[] _control = [(0, 0x1F), (0x7F, 0x7F)];

    /// <summary>The pattern of a <c>format</c>; null for those that only say what is meant.</summary>
    public static string? OfFormat(string format) => format switch
    {
        "date" => $"^{Date}$",
        "time" => $"^{Time}$",
        "date-time" => $"^{Date}T{Time}$",
        "uuid" => "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "ipv4" => $"^({Octet}\\.){{3}}{Octet}$",
        "email" => "^[A-Za-z0-9_+-]+(\\.[A-Za-z0-9_+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\\.)+[A-Za-z]{2,20}$",
        _ => null,
    };

    /// <summary>A string.</summary>
    /// <param name="pattern">What its text must match somewhere.</param>
    /// <param name="pointer">Where the pattern is.</param>
    /// <param name="next">What follows.</param>
    /// <exception cref="JsonSchemaException">The pattern is malformed, or not supported.</exception>
    public int Add(string pattern, string pointer, int next)
    {
        var end = builder.Byte('"', next);
        var branches = new PatternReader(pattern, pointer).Read();
        return builder.Byte('"', builder.Split(branches.Select(branch =>
        {
            var place = Add(branch.Node, branch.AtEnd ? end : Anything(end));
            return branch.AtStart ? place : Anything(place);
        })));
    }

    private int Add(PatternNode node, int next)
    {
        switch (node)
        {
            case PatternNode.Set set:
                return Character(set.Ranges, next);
            case PatternNode.Sequence sequence:
                foreach (var part in sequence.Nodes.Reverse())
                    next = Add(part, next);
                return next;
            case PatternNode.Either either:
                return builder.Split(either.Nodes.Select(part => Add(part, next)));
            case PatternNode.Repeat { Most: null } repeat:
                var loop = builder.AddPlace();
                builder.SetPlace(loop, builder.Split(next, Add(repeat.Node, loop)));
                return Add(repeat.Node, repeat.Least, loop);
            case PatternNode.Repeat repeat:
                var place = next;
                for (var count = repeat.Least; count < repeat.Most; count++)
                    place = builder.Split(next, Add(repeat.Node, place));
                return Add(repeat.Node, repeat.Least, place);
            default:
                throw new ArgumentOutOfRangeException(nameof(node));
        }
    }

    private int Add(PatternNode node, int times, int next)
    {
        for (var i = 0; i < times; i++)
            next = Add(node, next);
        return next;
    }

    private int Anything(int next)
    {
        var loop = builder.AddPlace();
        builder.SetPlace(loop, builder.Split(next, Character(_anything, loop)));
        return loop;
    }

    // each character in one spelling: as it is where JSON allows that
    private int Character(IReadOnlyList<(int First, int Last)> ranges, int next)
    {
        var plain = Utf8Ranges.Add(builder, Utf8Ranges.Intersect(Utf8Ranges.Intersect(ranges, JsonGrammar.PlainCharacters), Utf8Ranges.Complement(_control)), next);
        var escaped = Utf8Ranges.Intersect(ranges, [.. _control, ('"', '"'), ('\\', '\\')])
            .SelectMany(range => Enumerable.Range(range.First, range.Last - range.First + 1))
            .Select(value => builder.Literal(value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\b' => "\\b",
                '\f' => "\\f",
                _ => "\\u" + value.ToString("x4", CultureInfo.InvariantCulture),
            }, next));
        return builder.Split([plain, .. escaped]);
    }
}
