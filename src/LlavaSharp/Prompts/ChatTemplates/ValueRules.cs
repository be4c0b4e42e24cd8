namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>What values are in Python's eyes: true or false, equal, less, empty, and how they read as text.</summary>
internal static class ValueRules
{
    public static bool IsTrue(object? value) => value switch
    {
        null or UndefinedValue => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        ListValue list => list.Items.Count > 0,
        MappingValue mapping => mapping.Items.Count > 0,
        _ => true,
    };

    /// <summary>What a value is, for messages.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "none",
        UndefinedValue undefined => $"{undefined.What} (not defined)",
        bool => "true or false",
        long => "a whole number",
        double => "a number",
        string => "a text",
        ListValue { IsTuple: true } => "a tuple",
        ListValue => "a list",
        MappingValue => "a mapping",
        NamespaceValue => "a namespace",
        LoopValue => "'loop'",
        FunctionValue function => $"the function '{function.Name}'",
        _ => throw new ArgumentOutOfRangeException(nameof(value), value.GetType(), "This is no value of a template."),
    };

    public static bool AreEqual(RenderContext context, object? left, object? right)
    {
        context.Step();
        switch (left, right)
        {
            case (null, null) or (UndefinedValue, UndefinedValue):
                return true;
            case (string a, string b):
                context.Characters(Math.Min(a.Length, b.Length));
                return string.Equals(a, b, StringComparison.Ordinal);
            case (long or double or bool, long or double or bool):
                return CompareNumbers(left, right) == 0;
            case (ListValue a, ListValue b):
                return a.IsTuple == b.IsTuple && a.Items.Count == b.Items.Count && AreElementsEqual(context, a, b);
            case (MappingValue a, MappingValue b):
                return a.Items.Count == b.Items.Count && AreEntriesEqual(context, a, b);
            default:
                return ReferenceEquals(left, right) && left is not null;
        }
    }

    /// <summary>Less than 0, 0, or more: numbers with numbers, texts with texts, lists with lists; null where Python cannot compare, or for NaN.</summary>
    public static int? Compare(RenderContext context, object? left, object? right)
    {
        context.Step();
        switch (left, right)
        {
            case (long or double or bool, long or double or bool):
                return CompareNumbers(left, right);
            case (string a, string b):
                context.Characters(Math.Min(a.Length, b.Length));
                return CodePoints.Compare(a, b);
            default:
                throw context.Error($"{Describe(left)} and {Describe(right)} have no order.");
        }
    }

    /// <summary>A value as <c>{{ }}</c> prints it, and as the filter <c>string</c> gives it.</summary>
    public static string ToText(RenderContext context, object? value) => value switch
    {
        string text => text,
        UndefinedValue => "",
        _ => PythonRepresentation.Write(context, value),
    };

    /// <summary>The elements of a list, the keys of a mapping, the characters of a text.</summary>
    /// <param name="context">Counts them.</param>
    /// <param name="value">The value.</param>
    /// <param name="what">Who asks, as messages name it.</param>
    public static IReadOnlyList<object?> Elements(RenderContext context, object? value, string what)
    {
        switch (value)
        {
            case ListValue list:
                return list.Items;
            case MappingValue mapping:
                context.Step(mapping.Items.Count);
                return [.. mapping.Items.Select(item => item.Key)];
            case string text:
                context.Step(text.Length);
                return [.. CodePoints.Split(text)];
            case UndefinedValue:
                return [];
            default:
                throw context.Error($"{what} takes a list, a mapping or a text, not {Describe(value)}.");
        }
    }

    /// <summary>The number of elements; null where the value has none to count.</summary>
    public static long? Length(RenderContext context, object? value)
    {
        switch (value)
        {
            case string text:
                context.Characters(text.Length);
                return CodePoints.Count(text);
            case ListValue list:
                return list.Items.Count;
            case MappingValue mapping:
                return mapping.Items.Count;
            case UndefinedValue:
                return 0;
            default:
                return null;
        }
    }

    /// <summary><c>wanted in container</c></summary>
    public static bool Contains(RenderContext context, object? container, object? wanted)
    {
        switch (container)
        {
            case string text:
                if (wanted is not string part)
                    throw context.Error($"a text is searched for {Describe(wanted)}; it can hold only texts.");
                context.Search(text, part);
                return text.Contains(part, StringComparison.Ordinal);
            case MappingValue mapping:
                return mapping.TryGet(context, wanted, out _);
            case ListValue list:
                foreach (var item in list.Items)
                    if (AreEqual(context, item, wanted))
                        return true;
                return false;
            case UndefinedValue:
                return false;
            default:
                throw context.Error($"'in' takes a list, a mapping or a text, not {Describe(container)}.");
        }
    }

    // null for NaN, which is neither less nor more nor equal
    private static int? CompareNumbers(object? left, object? right)
    {
        if (left is not double && right is not double)
            return ToWhole(left).CompareTo(ToWhole(right));
        double a = ToDouble(left), b = ToDouble(right);
        return double.IsNaN(a) || double.IsNaN(b) ? null : a.CompareTo(b);
    }

    public static long ToWhole(object? value) => value is bool flag ? flag ? 1 : 0 : (long)value!;

    public static double ToDouble(object? value) => value is double number ? number : ToWhole(value);

    private static bool AreElementsEqual(RenderContext context, ListValue a, ListValue b)
    {
        context.Enter();
        var equal = true;
        for (var i = 0; i < a.Items.Count && equal; i++)
            equal = AreEqual(context, a.Items[i], b.Items[i]);
        context.Leave();
        return equal;
    }

    private static bool AreEntriesEqual(RenderContext context, MappingValue a, MappingValue b)
    {
        context.Enter();
        var equal = true;
        foreach (var (key, value) in a.Items)
            equal = equal && b.TryGet(context, key, out var other) && AreEqual(context, value, other);
        context.Leave();
        return equal;
    }
}
