using System.Globalization;
using System.Text;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Values as Python writes them.</summary>
internal static class PythonRepresentation
{
    /// <summary>The text of a value that is none itself.</summary>
    public static string Write(RenderContext context, object? value)
    {
        var text = new StringBuilder();
        Write(context, value, text);
        return text.ToString();
    }

    /// <summary>A number with a fraction: the fewest digits that give it back, with an exponent below 1e-4 and from 1e16 on.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        if (value == 0)
            return double.IsNegative(value) ? "-0.0" : "0.0";
        var (digits, exponent) = Digits(value);
        var sign = value < 0 ? "-" : "";
        if (exponent is < -4 or >= 16)
        {
            var fraction = digits.Length > 1 ? $".{digits[1..]}" : "";
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        return digits.Length <= exponent + 1
            ? $"{sign}{digits.PadRight(exponent + 1, '0')}.0"
            : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    // the significant digits, and the power of ten of the first one
    private static (string Digits, int Exponent) Digits(double value)
    {
        var parts = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E');
        var point = parts[0].IndexOf('.') is >= 0 and var at ? at : parts[0].Length;
        var digits = parts[0].Replace(".", "", StringComparison.Ordinal);
        var zeros = digits.Length - digits.TrimStart('0').Length;
        var exponent = parts.Length > 1 ? int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;
        return (digits.Trim('0'), point - 1 - zeros + exponent);
    }

    private static void Write(RenderContext context, object? value, StringBuilder text)
    {
        context.Step();
        var before = text.Length;
        switch (value)
        {
            case null:
                text.Append("None");
                break;
            case bool flag:
                text.Append(flag ? "True" : "False");
                break;
            case long number:
                text.Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                text.Append(Number(number));
                break;
            case string quoted:
                // an escape is at most four times as long
                context.Characters(4L * quoted.Length);
                text.Append(PythonText.Quote(quoted));
                return;
            case ListValue list:
                context.Enter();
                WriteList(context, list, text);
                context.Leave();
                return;
            case MappingValue mapping:
                context.Enter();
                WriteMapping(context, mapping, text);
                context.Leave();
                return;
            case UndefinedValue:
                text.Append("Undefined");
                break;
            default:
                throw context.Error($"{ValueRules.Describe(value)} cannot be printed.");
        }
        context.Characters(text.Length - before);
    }

    private static void WriteList(RenderContext context, ListValue list, StringBuilder text)
    {
        text.Append(list.IsTuple ? '(' : '[');
        for (var i = 0; i < list.Items.Count; i++)
        {
            text.Append(i > 0 ? ", " : "");
            Write(context, list.Items[i], text);
        }
        text.Append(list is { IsTuple: true, Items.Count: 1 } ? "," : "").Append(list.IsTuple ? ')' : ']');
    }

    private static void WriteMapping(RenderContext context, MappingValue mapping, StringBuilder text)
    {
        text.Append('{');
        for (var i = 0; i < mapping.Items.Count; i++)
        {
            text.Append(i > 0 ? ", " : "");
            Write(context, mapping.Items[i].Key, text);
            text.Append(": ");
            Write(context, mapping.Items[i].Value, text);
        }
        text.Append('}');
    }
}
