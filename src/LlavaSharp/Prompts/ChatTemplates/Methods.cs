namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>The methods of texts and mappings; lists have none here, since those of Python change the list.</summary>
internal static class Methods
{
    // as Python's splitlines has them
    private static readonly char[] _lineEnds = ['\n', '\r', '\v', '\f', '\u001c', '\u001d', '\u001e', '\u0085', '\u2028', '\u2029'];

    /// <summary>A method, bound to its value; null when there is none of that name.</summary>
    public static FunctionValue? Find(object? target, string name) => target switch
    {
        string text when TextMethod(name) is { } method => new FunctionValue(name, arguments => method(arguments, text)),
        MappingValue mapping when MappingMethod(name) is { } method => new FunctionValue(name, arguments => method(arguments, mapping)),
        _ => null,
    };

    private static Func<CallArguments, string, object?>? TextMethod(string name) => name switch
    {
        "strip" => (call, text) => Texts.Strip(call.Context, text, call.Bind(0, "chars").TextOrNull(0), left: true, right: true),
        "lstrip" => (call, text) => Texts.Strip(call.Context, text, call.Bind(0, "chars").TextOrNull(0), left: true, right: false),
        "rstrip" => (call, text) => Texts.Strip(call.Context, text, call.Bind(0, "chars").TextOrNull(0), left: false, right: true),
        "startswith" => (call, text) => HasEnd(call, text, static (text, part) => text.StartsWith(part, StringComparison.Ordinal)),
        "endswith" => (call, text) => HasEnd(call, text, static (text, part) => text.EndsWith(part, StringComparison.Ordinal)),
        "split" => (call, text) => Split(call, text, fromRight: false),
        "rsplit" => (call, text) => Split(call, text, fromRight: true),
        "splitlines" => (call, text) => SplitLines(call, text),
        "upper" => (call, text) => Texts.Upper(NoArguments(call), text),
        "lower" => (call, text) => Texts.Lower(NoArguments(call), text),
        "title" => (call, text) => Texts.Title(NoArguments(call), text),
        "capitalize" => (call, text) => Texts.Capitalize(NoArguments(call), text),
        "replace" => (call, text) =>
        {
            var bound = call.Bind(2, "old", "new", "count");
            return Texts.Replace(call.Context, text, bound.Text(0), bound.Text(1), bound.Whole(2, -1));
        },
        "removeprefix" => (call, text) => Texts.Without(call.Context, text, call.Bind(1, "prefix").Text(0), atEnd: false),
        "removesuffix" => (call, text) => Texts.Without(call.Context, text, call.Bind(1, "suffix").Text(0), atEnd: true),
        "find" => (call, text) => Find(call, text),
        "join" => (call, text) => Filters.Join(call.Context, ValueRules.Elements(call.Context, call.Bind(1, "iterable")[0], "join"), text),
        _ => null,
    };

    private static Func<CallArguments, MappingValue, object?>? MappingMethod(string name) => name switch
    {
        "items" => (call, mapping) => Filters.Items(NoArguments(call), mapping),
        "keys" => (call, mapping) => new ListValue(ValueRules.Elements(NoArguments(call), mapping, "keys")),
        "values" => (call, mapping) =>
        {
            NoArguments(call).Step(mapping.Items.Count);
            return new ListValue([.. mapping.Items.Select(item => item.Value)]);
        },
        "get" => (call, mapping) =>
        {
            var bound = call.Bind(1, "key", "default");
            return mapping.TryGet(call.Context, bound[0], out var value) ? value : bound.Or(1, null);
        },
        _ => null,
    };

    private static RenderContext NoArguments(CallArguments call)
    {
        call.Bind(0);
        return call.Context;
    }

    private static object HasEnd(CallArguments call, string text, Func<string, string, bool> test)
    {
        var bound = call.Bind(1, "part");
        if (bound[0] is not ListValue { IsTuple: true } several)
        {
            call.Context.Characters(bound.Text(0).Length);
            return test(text, bound.Text(0));
        }
        foreach (var part in several.Items)
        {
            if (part is not string wanted)
                throw call.Context.Error($"{call.Callee} takes texts, not {ValueRules.Describe(part)}.");
            call.Context.Characters(wanted.Length);
            call.Context.Step();
            if (test(text, wanted))
                return true;
        }
        return false;
    }

    private static ListValue Split(CallArguments call, string text, bool fromRight)
    {
        var bound = call.Bind(0, "sep", "maxsplit");
        var most = bound.Whole(1, -1) is >= 0 and < int.MaxValue and var given ? (int)given : int.MaxValue;
        return new ListValue(Texts.Split(call.Context, text, bound.TextOrNull(0), most, fromRight));
    }

    private static ListValue SplitLines(CallArguments call, string text)
    {
        call.Bind(0);
        call.Context.Characters(text.Length);
        call.Context.Step(text.AsSpan().CountAny(_lineEnds));
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Split(_lineEnds);
        return new ListValue(lines[^1].Length == 0 ? lines[..^1] : lines);
    }

    private static object Find(CallArguments call, string text)
    {
        var wanted = call.Bind(1, "sub").Text(0);
        call.Context.Search(text, wanted);
        var at = text.IndexOf(wanted, StringComparison.Ordinal);
        return at < 0 ? -1L : CodePoints.Count(text[..at]);
    }
}
