namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>The tests: <c>value is name(arguments)</c>. The value is their first argument.</summary>
internal static class ValueTests
{
    private static readonly Dictionary<string, Func<CallArguments, bool>> _tests = new(StringComparer.Ordinal)
    {
        ["!="] = call => Compare(call, "!="),
        ["<"] = call => Compare(call, "<"),
        ["<="] = call => Compare(call, "<="),
        ["=="] = call => Compare(call, "=="),
        [">"] = call => Compare(call, ">"),
        [">="] = call => Compare(call, ">="),
        ["boolean"] = call => Only(call) is bool,
        ["callable"] = call => Only(call) is FunctionValue,
        ["defined"] = call => Only(call) is not UndefinedValue,
        ["divisibleby"] = IsDivisible,
        ["eq"] = call => Compare(call, "=="),
        ["equalto"] = call => Compare(call, "=="),
        ["even"] = call => Whole(call, Only(call)) % 2 == 0,
        ["false"] = call => Only(call) is false,
        ["float"] = call => Only(call) is double,
        ["ge"] = call => Compare(call, ">="),
        ["greaterthan"] = call => Compare(call, ">"),
        ["gt"] = call => Compare(call, ">"),
        ["in"] = call => Compare(call, "in"),
        ["integer"] = call => Only(call) is long,
        ["iterable"] = call => Only(call) is string or ListValue or MappingValue or UndefinedValue,
        ["le"] = call => Compare(call, "<="),
        ["lessthan"] = call => Compare(call, "<"),
        ["lt"] = call => Compare(call, "<"),
        ["mapping"] = call => Only(call) is MappingValue,
        ["ne"] = call => Compare(call, "!="),
        ["none"] = call => Only(call) is null,
        ["number"] = call => Only(call) is long or double or bool,
        ["odd"] = call => Whole(call, Only(call)) % 2 != 0,
        ["sequence"] = call => Only(call) is string or ListValue or MappingValue or UndefinedValue,
        ["string"] = call => Only(call) is string,
        ["true"] = call => Only(call) is true,
        ["undefined"] = call => Only(call) is UndefinedValue,
    };

    public static bool Holds(string name, CallArguments arguments) => _tests.TryGetValue(name, out var test)
        ? test(arguments)
        : throw arguments.Context.Error($"there is no test '{name}' here; known: {string.Join(", ", _tests.Keys.Order(StringComparer.Ordinal))}.");

    private static object? Only(CallArguments call) => call.Bind(1, "value")[0];

    private static bool Compare(CallArguments call, string comparison)
    {
        var bound = call.Bind(2, "value", "other");
        return Operators.Compare(call.Context, comparison, bound[0], bound[1]);
    }

    private static long Whole(CallArguments call, object? value) =>
        value is long or bool ? ValueRules.ToWhole(value) : throw call.Context.Error($"{call.Callee} takes whole numbers, not {ValueRules.Describe(value)}.");

    private static bool IsDivisible(CallArguments call)
    {
        var bound = call.Bind(2, "value", "num");
        return Whole(call, bound[0]) % NotZero(call, bound[1]) == 0;
    }

    // a remainder by -1 is as one by 1, which has no overflow
    private static long NotZero(CallArguments call, object? value) => Whole(call, value) switch
    {
        0 => throw call.Context.Error("a number is divided by zero."),
        -1 => 1,
        var divisor => divisor,
    };
}
