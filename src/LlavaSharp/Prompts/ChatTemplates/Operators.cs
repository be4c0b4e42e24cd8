using System.Text;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Arithmetic, comparisons, indices and slices, with Python's results.</summary>
internal static class Operators
{
    public static object? Arithmetic(RenderContext context, string sign, object? left, object? right)
    {
        switch (sign, left, right)
        {
            case ("+", string a, string b):
                return Join(context, [a, b]);
            case ("+", ListValue a, ListValue b) when a.IsTuple == b.IsTuple:
                context.Step(a.Items.Count + b.Items.Count);
                return new ListValue([.. a.Items, .. b.Items], a.IsTuple);
            case ("*", ListValue list, long or bool):
                return Repeat(context, list, ValueRules.ToWhole(right));
            case ("*", long or bool, ListValue list):
                return Repeat(context, list, ValueRules.ToWhole(left));
            case ("*", string text, long or bool):
                return Repeat(context, text, ValueRules.ToWhole(right));
            case ("*", long or bool, string text):
                return Repeat(context, text, ValueRules.ToWhole(left));
            case (_, long or bool, long or bool):
                return Whole(context, sign, ValueRules.ToWhole(left), ValueRules.ToWhole(right));
            case (_, long or double or bool, long or double or bool):
                return Fraction(context, sign, ValueRules.ToDouble(left), ValueRules.ToDouble(right));
            default:
                var hint = sign == "+" && (left is string || right is string) ? " Texts are joined with anything by '~'." : "";
                throw context.Error($"'{sign}' cannot be applied to {ValueRules.Describe(left)} and {ValueRules.Describe(right)}.{hint}");
        }
    }

    /// <summary>The parts as one text.</summary>
    public static string Join(RenderContext context, ReadOnlySpan<string> parts)
    {
        long length = 0;
        foreach (var part in parts)
            length += part.Length;
        context.Characters(length);
        return string.Concat(parts);
    }

    public static object Negate(RenderContext context, object? value) => value switch
    {
        double number => (object)-number,
        long and not long.MinValue or bool => -ValueRules.ToWhole(value),
        _ => throw context.Error($"{ValueRules.Describe(value)} has no negative."),
    };

    public static bool Compare(RenderContext context, string comparison, object? left, object? right) => comparison switch
    {
        "==" => ValueRules.AreEqual(context, left, right),
        "!=" => !ValueRules.AreEqual(context, left, right),
        "in" => ValueRules.Contains(context, right, left),
        "not in" => !ValueRules.Contains(context, right, left),
        "<" => ValueRules.Compare(context, left, right) < 0,
        "<=" => ValueRules.Compare(context, left, right) <= 0,
        ">" => ValueRules.Compare(context, left, right) > 0,
        _ => ValueRules.Compare(context, left, right) >= 0,
    };

    /// <summary><c>target[index]</c>; undefined where there is no such element.</summary>
    public static object? Index(RenderContext context, object? target, object? index)
    {
        switch (target, index)
        {
            case (ListValue list, long or bool):
                var position = ValueRules.ToWhole(index);
                position = position < 0 ? position + list.Items.Count : position;
                return position >= 0 && position < list.Items.Count ? list.Items[(int)position] : new UndefinedValue($"element {index}");
            case (string text, long or bool):
                return CharacterAt(context, text, ValueRules.ToWhole(index)) ?? (object)new UndefinedValue($"character {index}");
            case (MappingValue mapping, _) when mapping.TryGet(context, index, out var found):
                return found;
            case (UndefinedValue, _):
                throw context.Error($"nothing can be taken from {ValueRules.Describe(target)}.");
            case (_, string { Length: <= TemplateLexer.LongestName } name):
                return Attribute(context, target, name, itemFirst: true);
            default:
                return new UndefinedValue($"the element of {ValueRules.Describe(index)}");
        }
    }

    /// <summary><c>target.name</c>: a method first, then an element; undefined where there is neither.</summary>
    public static object? Attribute(RenderContext context, object? target, string name, bool itemFirst = false)
    {
        switch (target)
        {
            case UndefinedValue:
                throw context.Error($"{ValueRules.Describe(target)} has no '{name}'.");
            case NamespaceValue space when space.Attributes.TryGetValue(name, out var value):
                return value;
            case LoopValue loop:
                return loop.Attribute(name);
            case MappingValue mapping when itemFirst && mapping.TryGet(context, name, out var item):
                return item;
        }
        if (Methods.Find(target, name) is { } method)
            return method;
        return target is MappingValue from && from.TryGet(context, name, out var found) ? found : new UndefinedValue($"{(name.Length > 40 ? "an element" : $"'{name}'")} of {ValueRules.Describe(target)}");
    }

    /// <summary><c>target[start:stop:step]</c>; null is what was left out.</summary>
    public static object? Slice(RenderContext context, object? target, object? start, object? stop, object? step)
    {
        switch (target)
        {
            case ListValue list:
                return new ListValue([.. Pick(context, list.Items.Count, start, stop, step).Select(i => list.Items[i])], list.IsTuple);
            case string text:
                var starts = CodePoints.Starts(context, text);
                var result = new StringBuilder();
                foreach (var i in Pick(context, starts?.Length ?? text.Length, start, stop, step, text: true))
                    result.Append(CodePoints.At(text, starts, i));
                return result.ToString();
            case UndefinedValue:
                throw context.Error($"nothing can be taken from {ValueRules.Describe(target)}.");
            default:
                throw context.Error($"only lists and texts have parts; this is {ValueRules.Describe(target)}.");
        }
    }

    private static string? CharacterAt(RenderContext context, string text, long index)
    {
        var starts = CodePoints.Starts(context, text);
        var count = starts?.Length ?? text.Length;
        index = index < 0 ? index + count : index;
        return index >= 0 && index < count ? CodePoints.At(text, starts, (int)index).ToString() : null;
    }

    // the positions of a slice, as Python counts them
    private static IEnumerable<int> Pick(RenderContext context, int count, object? start, object? stop, object? step, bool text = false)
    {
        var by = Bound(context, step) ?? 1;
        if (by == 0)
            throw context.Error("the step of a slice is 0.");
        long lowest = by > 0 ? 0 : -1, highest = by > 0 ? count : count - 1;
        var from = Clip(Bound(context, start), by > 0 ? lowest : highest);
        var to = Clip(Bound(context, stop), by > 0 ? highest : lowest);
        var picked = Math.Max(0, (to - from) / by);
        if (text)
            context.Characters(picked);
        else
            context.Step(picked);
        return Positions(from, to, by);

        long Clip(long? bound, long fallback) => bound is not { } given ? fallback : Math.Clamp(given < 0 ? given + count : given, lowest, highest);
    }

    private static IEnumerable<int> Positions(long from, long to, long by)
    {
        // far steps are cut: nothing lies beyond them
        by = Math.Clamp(by, -int.MaxValue, int.MaxValue);
        for (var i = from; by > 0 ? i < to : i > to; i += by)
            yield return (int)i;
    }

    private static long? Bound(RenderContext context, object? bound) => bound switch
    {
        null => null,
        long or bool => ValueRules.ToWhole(bound),
        _ => throw context.Error($"the bounds of a slice are whole numbers; this is {ValueRules.Describe(bound)}."),
    };

    private static string Repeat(RenderContext context, string text, long times)
    {
        if (times <= 0 || text.Length == 0)
            return "";
        context.Characters(times > int.MaxValue ? long.MaxValue / 2 : text.Length * times);
        return new StringBuilder(text.Length * (int)times).Insert(0, text, (int)times).ToString();
    }

    private static ListValue Repeat(RenderContext context, ListValue list, long times)
    {
        times = list.Items.Count == 0 ? 0 : Math.Clamp(times, 0, int.MaxValue);
        context.Step(list.Items.Count * times);
        return new ListValue([.. Enumerable.Repeat(list.Items, (int)times).SelectMany(items => items)], list.IsTuple);
    }

    private static object Whole(RenderContext context, string sign, long left, long right)
    {
        try
        {
            return sign switch
            {
                "+" => (object)checked(left + right),
                "-" => checked(left - right),
                "*" => checked(left * right),
                "/" => right == 0 ? throw DividedByZero(context) : (double)left / right,
                "//" => right == 0 ? throw DividedByZero(context) : checked(left / right) - ((left % right != 0) && (left < 0) != (right < 0) ? 1 : 0),
                _ => right == 0 ? throw DividedByZero(context) : right == -1 ? 0L : left % right is var rest && rest != 0 && (rest < 0) != (right < 0) ? rest + right : left % right,
            };
        }
        catch (OverflowException exception)
        {
            throw new ChatTemplateException($"{left} {sign} {right} has more than 64 bits.", context.Line, exception);
        }
    }

    private static object Fraction(RenderContext context, string sign, double left, double right) => sign switch
    {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        _ when right == 0 => throw DividedByZero(context),
        "/" => left / right,
        "//" => Math.Floor(left / right),
        _ => left - (right * Math.Floor(left / right)),
    };

    private static ChatTemplateException DividedByZero(RenderContext context) => context.Error("a number is divided by zero.");
}
