using System.Globalization;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>The filters: <c>value|name(arguments)</c>. The value is their first argument.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Func<CallArguments, object?>> _filters = new(StringComparer.Ordinal)
    {
        ["abs"] = Abs,
        ["capitalize"] = call => Texts.Capitalize(call.Context, OnlyText(call)),
        ["count"] = Length,
        ["d"] = Default,
        ["default"] = Default,
        ["first"] = call => End(call, last: false),
        ["float"] = ToFloat,
        ["indent"] = Indent,
        ["int"] = ToInteger,
        ["items"] = call => Items(call.Context, Only(call)),
        ["join"] = Join,
        ["last"] = call => End(call, last: true),
        ["length"] = Length,
        ["list"] = ToList,
        ["lower"] = call => Texts.Lower(call.Context, OnlyText(call)),
        ["map"] = Map,
        ["reject"] = call => Select(call, byAttribute: false, wanted: false),
        ["rejectattr"] = call => Select(call, byAttribute: true, wanted: false),
        ["replace"] = Replace,
        ["reverse"] = Reverse,
        ["safe"] = Only,
        ["select"] = call => Select(call, byAttribute: false, wanted: true),
        ["selectattr"] = call => Select(call, byAttribute: true, wanted: true),
        ["string"] = call => OnlyText(call),
        ["title"] = call => Texts.Title(call.Context, OnlyText(call), asFilter: true),
        ["tojson"] = ToJson,
        ["trim"] = Trim,
        ["upper"] = call => Texts.Upper(call.Context, OnlyText(call)),
    };

    public static object? Apply(string name, CallArguments arguments) => _filters.TryGetValue(name, out var filter)
        ? filter(arguments)
        : throw arguments.Context.Error($"there is no filter '{name}' here; known: {string.Join(", ", _filters.Keys.Order(StringComparer.Ordinal))}.");

    /// <summary>Elements as one text.</summary>
    public static string Join(RenderContext context, IReadOnlyList<object?> elements, string separator)
    {
        context.Step(elements.Count);
        context.Characters((long)separator.Length * Math.Max(0, elements.Count - 1));
        var texts = new string[elements.Count];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = ValueRules.ToText(context, elements[i]);
            context.Characters(texts[i].Length);
        }
        return string.Join(separator, texts);
    }

    /// <summary>The keys and values of a mapping, in pairs.</summary>
    public static ListValue Items(RenderContext context, object? value)
    {
        if (value is UndefinedValue)
            return new ListValue([]);
        if (value is not MappingValue mapping)
            throw context.Error($"'items' takes a mapping, not {ValueRules.Describe(value)}.");
        context.Step(2 * mapping.Items.Count);
        return new ListValue([.. mapping.Items.Select(item => new ListValue([item.Key, item.Value], isTuple: true))]);
    }

    private static object? Only(CallArguments call) => call.Bind(1, "value")[0];

    private static string OnlyText(CallArguments call) => ValueRules.ToText(call.Context, Only(call));

    private static object Abs(CallArguments call) => Only(call) switch
    {
        double number => Math.Abs(number),
        long and not long.MinValue or bool => (object)Math.Abs(ValueRules.ToWhole(call.Positional[0])),
        var other => throw call.Context.Error($"'abs' takes a number, not {ValueRules.Describe(other)}."),
    };

    private static object Length(CallArguments call) =>
        ValueRules.Length(call.Context, Only(call)) ?? throw call.Context.Error($"{ValueRules.Describe(call.Positional[0])} has no length.");

    private static object? Default(CallArguments call)
    {
        var bound = call.Bind(1, "value", "default_value", "boolean");
        var isMissing = bound[0] is UndefinedValue || (bound.Flag(2, false) && !ValueRules.IsTrue(bound[0]));
        return isMissing ? bound.Or(1, "") : bound[0];
    }

    private static object? End(CallArguments call, bool last)
    {
        var elements = ValueRules.Elements(call.Context, Only(call), call.Callee);
        return elements.Count == 0 ? new UndefinedValue($"the {(last ? "last" : "first")} of no elements") : elements[last ? elements.Count - 1 : 0];
    }

    private static object ToFloat(CallArguments call)
    {
        var bound = call.Bind(1, "value", "default");
        call.Context.Characters((bound[0] as string)?.Length ?? 0);
        return bound[0] switch
        {
            long or bool or double => ValueRules.ToDouble(bound[0]),
            string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
            _ => bound.Or(1, 0.0) ?? 0.0,
        };
    }

    private static object ToInteger(CallArguments call)
    {
        var bound = call.Bind(1, "value", "default");
        call.Context.Characters((bound[0] as string)?.Length ?? 0);
        return bound[0] switch
        {
            long or bool => ValueRules.ToWhole(bound[0]),
            double number when Math.Abs(number) < 1e18 => (long)number,
            string text when long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) => number,
            string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) < 1e18 => (long)number,
            _ => bound.Or(1, 0L) ?? 0L,
        };
    }

    private static object Indent(CallArguments call)
    {
        var bound = call.Bind(1, "s", "width", "first", "blank");
        var text = ValueRules.ToText(call.Context, bound[0]);
        var width = bound.Has(1) && bound[1] is string given ? given : null;
        if (width is null)
        {
            var blanks = bound.Whole(1, 4);
            call.Context.Characters(Math.Max(blanks, 0));
            width = new string(' ', (int)Math.Max(blanks, 0));
        }
        call.Context.Characters(text.Length);
        call.Context.Step(text.AsSpan().Count('\n'));
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (i == 0 ? !bound.Flag(2, false) : lines[i].Length == 0 && !bound.Flag(3, false))
                continue;
            lines[i] = Operators.Join(call.Context, [width, lines[i]]);
        }
        call.Context.Characters(text.Length);
        return string.Join('\n', lines);
    }

    private static object Join(CallArguments call)
    {
        var bound = call.Bind(1, "value", "d", "attribute");
        var elements = ValueRules.Elements(call.Context, bound[0], call.Callee);
        if (bound.Or(2, null) is { } attribute)
        {
            var path = Path(call, attribute);
            call.Context.Step(elements.Count);
            elements = [.. elements.Select(element => Follow(call.Context, element, path))];
        }
        return Join(call.Context, elements, ValueRules.ToText(call.Context, bound.Or(1, "")));
    }

    private static object ToList(CallArguments call)
    {
        var elements = ValueRules.Elements(call.Context, Only(call), call.Callee);
        return new ListValue(elements);
    }

    // map('upper') applies a filter to each element, map(attribute='role') takes something from each
    private static object Map(CallArguments call)
    {
        if (call.Positional.Count == 1)
        {
            var bound = call.Bind(1, "value", "attribute", "default");
            var path = Path(call, bound[1]);
            return Each(call, element => Follow(call.Context, element, path, bound.Or(2, null)));
        }
        if (call.Positional[1] is not string filter)
            throw call.Context.Error($"'map' takes the name of a filter, or attribute='NAME', not {ValueRules.Describe(call.Positional[1])}.");
        var rest = call.After(2, $"'{filter}'");
        return Each(call, element => Apply(filter, new CallArguments(call.Context, rest.Callee, [element, .. rest.Positional], rest.Named)));
    }

    private static object Select(CallArguments call, bool byAttribute, bool wanted)
    {
        var first = byAttribute ? 2 : 1;
        var path = byAttribute ? Path(call, call.Positional.ElementAtOrDefault(1)) : [];
        var test = call.Positional.Count <= first ? null : call.Positional[first] as string ?? throw call.Context.Error($"{call.Callee} takes the name of a test.");
        var rest = call.After(first + 1, $"'{test}'");
        var chosen = new List<object?>();
        foreach (var element in ValueRules.Elements(call.Context, call.Positional[0], call.Callee))
        {
            call.Context.Step();
            var value = Follow(call.Context, element, path);
            var holds = test is null ? ValueRules.IsTrue(value) : ValueTests.Holds(test, new CallArguments(call.Context, rest.Callee, [value, .. rest.Positional], rest.Named));
            if (holds == wanted)
                chosen.Add(element);
        }
        return new ListValue(chosen);
    }

    private static ListValue Each(CallArguments call, Func<object?, object?> map)
    {
        var elements = ValueRules.Elements(call.Context, call.Positional[0], call.Callee);
        var results = new List<object?>();
        foreach (var element in elements)
        {
            call.Context.Step();
            results.Add(map(element));
        }
        return new ListValue(results);
    }

    // an attribute of an attribute is written with a point; numbers are indices
    private static object[] Path(CallArguments call, object? attribute)
    {
        if (attribute is long)
            return [attribute];
        if (attribute is not string names)
            throw call.Context.Error($"{call.Callee} takes the name of an attribute, not {ValueRules.Describe(attribute)}.");
        call.Context.Step(names.Length);
        return [.. names.Split('.').Select(name => long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? (object)index : name)];
    }

    private static object? Follow(RenderContext context, object? value, object[] path, object? fallback = null)
    {
        foreach (var name in path)
        {
            context.Step();
            value = Operators.Index(context, value, name);
            value = value is UndefinedValue ? fallback ?? value : value;
        }
        return value;
    }

    private static object Replace(CallArguments call)
    {
        var bound = call.Bind(3, "s", "old", "new", "count");
        return Texts.Replace(
            call.Context, ValueRules.ToText(call.Context, bound[0]), ValueRules.ToText(call.Context, bound[1]), ValueRules.ToText(call.Context, bound[2]), bound.Whole(3, -1));
    }

    private static object Reverse(CallArguments call)
    {
        var value = Only(call);
        if (value is string text)
            return Operators.Slice(call.Context, text, null, null, -1L)!;
        var elements = ValueRules.Elements(call.Context, value, call.Callee);
        call.Context.Step(elements.Count);
        return new ListValue([.. elements.Reverse()]);
    }

    private static object ToJson(CallArguments call)
    {
        var bound = call.Bind(1, "value", "ensure_ascii", "indent", "separators", "sort_keys");
        string? indentation = null;
        if (bound.Has(2) && bound[2] is not null)
            indentation = bound[2] as string ?? new string(' ', (int)Math.Clamp(bound.Whole(2), 0, 64));
        var separators = bound.Or(3, null) switch
        {
            null => (indentation is null ? ", " : ",", ": "),
            ListValue { Items: [string item, string key] } => (item, key),
            _ => throw call.Context.Error("the argument 'separators' of 'tojson' must be two texts."),
        };
        return new JsonText(call.Context)
        {
            AsciiOnly = bound.Flag(1, false),
            Indentation = indentation,
            ItemSeparator = separators.Item1,
            KeySeparator = separators.Item2,
            SortKeys = bound.Flag(4, false),
        }.Write(bound[0]);
    }

    private static object Trim(CallArguments call)
    {
        var bound = call.Bind(1, "value", "chars");
        return Texts.Strip(call.Context, ValueRules.ToText(call.Context, bound[0]), bound.TextOrNull(1), left: true, right: true);
    }
}
