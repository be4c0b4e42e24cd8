using System.Globalization;

namespace LlavaSharp.Prompts.ChatTemplates;

// A value is one of these: null (none), bool, long, double, string, or one of the classes below. None of them can be changed but a namespace.

/// <summary>What is not there: prints nothing, is false and empty; anything else with it is an error that says what is missing.</summary>
/// <param name="what">What was looked for, as messages name it.</param>
internal sealed class UndefinedValue(string what)
{
    public string What { get; } = what;
}

/// <summary>A list or, where Python has one, a tuple.</summary>
internal sealed class ListValue(IReadOnlyList<object?> items, bool isTuple = false)
{
    public IReadOnlyList<object?> Items { get; } = items;

    public bool IsTuple { get; } = isTuple;
}

/// <summary>A mapping, in the order in which its keys came.</summary>
internal sealed class MappingValue
{
    private readonly OrderedDictionary<object, object?> _items = new(KeyComparer.Instance);

    public IReadOnlyList<KeyValuePair<object, object?>> Items => _items;

    /// <summary>Sets a key; only while the mapping is made.</summary>
    public void Set(RenderContext context, object? key, object? value)
    {
        if (!IsKey(key))
            throw context.Error($"{ValueRules.Describe(key)} cannot be a key.");
        Count(context, key);
        _items[key!] = value;
    }

    public bool TryGet(RenderContext context, object? key, out object? value)
    {
        value = null;
        Count(context, key);
        return IsKey(key) && _items.TryGetValue(key!, out value);
    }

    // Python takes a few more
    private static bool IsKey(object? value) => value is string or long or double or bool;

    // a key is read to be found
    private static void Count(RenderContext context, object? key)
    {
        context.Step();
        if (key is string text)
            context.Characters(text.Length);
    }

    // 1, 1.0 and true are one key in Python
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static KeyComparer Instance { get; } = new();

        public new bool Equals(object? x, object? y) => Normal(x!).Equals(Normal(y!));

        public int GetHashCode(object obj) => Normal(obj).GetHashCode();

        private static object Normal(object key) => key switch
        {
            bool flag => flag ? 1L : 0L,
            double number when number == Math.Floor(number) && Math.Abs(number) < 1e18 => (long)number,
            _ => key,
        };
    }
}

/// <summary><c>namespace()</c>: the one value that a template can change, also from inside a loop.</summary>
internal sealed class NamespaceValue
{
    public Dictionary<string, object?> Attributes { get; } = new(StringComparer.Ordinal);
}

/// <summary><c>loop</c>, for one round.</summary>
internal sealed class LoopValue(IReadOnlyList<object?> items, int index)
{
    public object? Attribute(string name) => name switch
    {
        "index" => index + 1L,
        "index0" => (long)index,
        "revindex" => (long)(items.Count - index),
        "revindex0" => items.Count - index - 1L,
        "first" => index == 0,
        "last" => index == items.Count - 1,
        "length" => (long)items.Count,
        // loops that call themselves are not read, so each is the outermost
        "depth" => 1L,
        "depth0" => 0L,
        "previtem" when index > 0 => items[index - 1],
        "nextitem" when index < items.Count - 1 => items[index + 1],
        _ => new UndefinedValue(string.Create(CultureInfo.InvariantCulture, $"loop.{name}")),
    };
}

/// <summary>Something that can be called: a function, a method of a value, or a macro.</summary>
internal sealed class FunctionValue(string name, Func<CallArguments, object?> call)
{
    public string Name { get; } = name;

    public object? Call(CallArguments arguments) => call(arguments);
}
