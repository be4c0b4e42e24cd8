namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>The functions that every template knows.</summary>
internal static class Functions
{
    private const int LongestMessage = 500;

    private static readonly FunctionValue[] _all =
    [
        new("raise_exception", RaiseException),
        new("range", Range),
        new("namespace", Namespace),
        new("strftime_now", call => TimeFormat.Write(call.Context, call.Bind(1, "format").Text(0))),
        new("dict", Mapping),
    ];

    public static void AddTo(Scope scope)
    {
        foreach (var function in _all)
            scope.Set(function.Name, function);
    }

    private static object RaiseException(CallArguments call)
    {
        var message = ValueRules.ToText(call.Context, call.Bind(1, "message")[0]);
        throw call.Context.Error($"it refuses this conversation: {(message.Length > LongestMessage ? message[..LongestMessage] + "..." : message)}");
    }

    private static ListValue Range(CallArguments call)
    {
        var bound = call.Bind(1, "start", "stop", "step");
        var (start, stop) = bound.Has(1) ? (bound.Whole(0), bound.Whole(1)) : (0, bound.Whole(0));
        var step = bound.Whole(2, 1);
        if (step == 0)
            throw call.Context.Error("the step of 'range' is 0.");
        var distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        var size = Int128.Abs(step);
        var count = distance <= 0 ? 0 : (distance + size - 1) / size;
        call.Context.Step((long)Int128.Min(count, long.MaxValue / 2));
        var numbers = new object?[(int)count];
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = start + (i * step);
        return new ListValue(numbers);
    }

    private static NamespaceValue Namespace(CallArguments call)
    {
        var space = new NamespaceValue();
        foreach (var (name, value) in Mapping(call).Items)
            space.Attributes[(string)name] = value;
        return space;
    }

    // mappings in front, then arguments with names
    private static MappingValue Mapping(CallArguments call)
    {
        var mapping = new MappingValue();
        foreach (var given in call.Positional)
        {
            if (given is not MappingValue other || other.Items.Any(item => item.Key is not string))
                throw call.Context.Error($"{call.Callee} takes mappings from names, not {ValueRules.Describe(given)}.");
            foreach (var (key, value) in other.Items)
                mapping.Set(call.Context, key, value);
        }
        foreach (var (name, value) in call.Named)
            mapping.Set(call.Context, name, value);
        return mapping;
    }
}
