using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlavaSharp.Generation.Constraints;

/// <summary>The parts that JSON is made of, as instructions. A place that is given is what follows the part; the place that comes back is where it begins.</summary>
internal sealed class JsonGrammar
{
    // as many digits as a double holds for sure, so that every reader gets the same number
    private const int MostDigits = 15;
    private const int MostExponentDigits = 2;

    private static readonly JsonSerializerOptions _form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly ByteSet _digits = ByteSet.Range((byte)'0', (byte)'9');
    private static readonly ByteSet _hexDigits = _digits | ByteSet.Range((byte)'a', (byte)'f') | ByteSet.Range((byte)'A', (byte)'F');

    private readonly bool _spaces;
    private int? _character, _text, _value, _object;

    public JsonGrammar(AutomatonBuilder builder, bool spaces) => (Builder, _spaces) = (builder, spaces);

    /// <summary>What may stand in a string as it is.</summary>
    public static IReadOnlyList<(int First, int Last)> PlainCharacters { get; } = [(' ', '!'), ('#', '['), (']', 0x10FFFF)];

    public AutomatonBuilder Builder { get; }

    /// <summary>A value as it is written: without white space, with no more escapes than needed.</summary>
    public static byte[] Write(JsonElement value) => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(value, _form));

    /// <summary>A text as a string of JSON.</summary>
    public static byte[] Write(string text) => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(text, _form));

    /// <summary>At most one space.</summary>
    public int Space(int next) => _spaces ? Builder.Split(Builder.Byte(' ', next), next) : next;

    /// <summary>Any string.</summary>
    public int Text(int next) => Builder.Call(_text ??= TextRule(), next);

    /// <summary>A string of so many characters.</summary>
    /// <param name="least">The fewest.</param>
    /// <param name="most">The most; null: any number.</param>
    /// <param name="next">What follows.</param>
    public int Text(int least, int? most, int next)
    {
        var end = Builder.Byte('"', next);
        int place;
        if (most is { } last)
        {
            place = end;
            for (var count = last - 1; count >= 0; count--)
                place = count >= least ? Builder.Split(end, Character(place)) : Character(place);
            if (least > last)
                return AutomatonBuilder.Never;
        }
        else
        {
            place = Builder.AddPlace();
            Builder.SetPlace(place, Builder.Split(end, Character(place)));
            for (var count = 0; count < least; count++)
                place = Character(place);
        }
        return Builder.Byte('"', place);
    }

    /// <summary>One character of a string, plain or escaped.</summary>
    public int Character(int next) => Builder.Call(_character ??= CharacterRule(), next);

    /// <summary>A whole number of up to 15 digits.</summary>
    public int Integer(int next) => Sign(Whole(next));

    /// <summary>A number of up to 15 digits in front of the point and as many behind it, with up to two digits of an exponent.</summary>
    public int Number(int next)
    {
        var exponent = Builder.Byte(ByteSet.Of((byte)'e') | ByteSet.Of((byte)'E'),
            Builder.Split(Builder.Byte(ByteSet.Of((byte)'+') | ByteSet.Of((byte)'-'), Digits(1, MostExponentDigits, next)), Digits(1, MostExponentDigits, next)));
        var end = Builder.Split(next, exponent);
        return Sign(Whole(Builder.Split(end, Builder.Byte('.', Digits(1, MostDigits, end)))));
    }

    public int Boolean(int next) => Builder.Split(Builder.Literal("true", next), Builder.Literal("false", next));

    public int Null(int next) => Builder.Literal("null", next);

    /// <summary>Any value, as a rule.</summary>
    public int AnyValue()
    {
        if (_value is { } known)
            return known;
        _value = known = Builder.AddRule();
        var end = AutomatonBuilder.Return;
        Builder.SetRule(known, Builder.Split(Text(end), Number(end), Boolean(end), Null(end), AnyArray(known), Builder.Call(AnyObject(), end)));
        return known;
    }

    /// <summary>Any object, as a rule.</summary>
    public int AnyObject()
    {
        if (_object is { } known)
            return known;
        _object = known = Builder.AddRule();
        var more = Builder.AddPlace();
        var member = Text(Builder.Byte(':', Space(Builder.Call(AnyValue(), more, nests: true))));
        Builder.SetPlace(more, Builder.Split(Space(Builder.Byte('}', AutomatonBuilder.Return)), Builder.Byte(',', Space(member))));
        Builder.SetRule(known, Builder.Open('{', Space(Builder.Split(Builder.Byte('}', AutomatonBuilder.Return), member))));
        return known;
    }

    /// <summary>From so many to so many digits.</summary>
    public int Digits(int least, int most, int next)
    {
        var place = next;
        for (var count = most - 1; count >= 0; count--)
            place = count >= least && count > 0 ? Builder.Split(next, Builder.Byte(_digits, place)) : Builder.Byte(_digits, place);
        return least == 0 ? Builder.Split(next, place) : place;
    }

    private int AnyArray(int value)
    {
        var more = Builder.AddPlace();
        var item = Builder.Call(value, more, nests: true);
        Builder.SetPlace(more, Builder.Split(Space(Builder.Byte(']', AutomatonBuilder.Return)), Builder.Byte(',', Space(item))));
        return Builder.Open('[', Space(Builder.Split(Builder.Byte(']', AutomatonBuilder.Return), item)));
    }

    private int Sign(int next) => Builder.Split(Builder.Byte('-', next), next);

    private int Whole(int next) =>
        Builder.Split(Builder.Byte('0', next), Builder.Byte(ByteSet.Range((byte)'1', (byte)'9'), Digits(0, MostDigits - 1, next)));

    private int TextRule()
    {
        var rule = Builder.AddRule();
        Builder.SetRule(rule, Text(0, null, AutomatonBuilder.Return));
        return rule;
    }

    private int CharacterRule()
    {
        var rule = Builder.AddRule();
        var end = AutomatonBuilder.Return;
        var simple = "\"\\/bfnrt".Aggregate(default(ByteSet), (set, letter) => set | ByteSet.Of((byte)letter));
        Builder.SetRule(rule, Builder.Split(
            Utf8Ranges.Add(Builder, PlainCharacters, end),
            Builder.Byte('\\', Builder.Split(Builder.Byte(simple, end), Builder.Byte('u', Hexadecimal(end))))));
        return rule;
    }

    // four digits of a character, or the two halves of one: half a character alone is none
    private int Hexadecimal(int next)
    {
        var (two, three) = (Builder.Byte(_hexDigits, Builder.Byte(_hexDigits, next)), Builder.Byte(_hexDigits, Builder.Byte(_hexDigits, Builder.Byte(_hexDigits, next))));
        var d = ByteSet.Of((byte)'d') | ByteSet.Of((byte)'D');
        var low = Builder.Literal("\\u", Builder.Byte(d, Builder.Byte(Letters('c', 'f'), two)));
        var high = Builder.Byte(ByteSet.Of((byte)'8') | ByteSet.Of((byte)'9') | Letters('a', 'b'), Builder.Byte(_hexDigits, Builder.Byte(_hexDigits, low)));
        return Builder.Split(
            Builder.Byte(_hexDigits & ~d, three),
            Builder.Byte(d, Builder.Split(Builder.Byte(ByteSet.Range((byte)'0', (byte)'7'), two), high)));
    }

    private static ByteSet Letters(char first, char last) =>
        ByteSet.Range((byte)first, (byte)last) | ByteSet.Range((byte)char.ToUpperInvariant(first), (byte)char.ToUpperInvariant(last));
}
