namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Names and their values; a round of a loop, or a call of a macro, has a scope of its own inside of another.</summary>
internal sealed class Scope(Scope? parent)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    /// <summary>The innermost value of a name; undefined when there is none.</summary>
    public object? Get(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
            if (scope._values.TryGetValue(name, out var value))
                return value;
        return new UndefinedValue($"'{name}'");
    }

    /// <summary>Sets a name here; the scopes outside keep theirs.</summary>
    public void Set(string name, object? value) => _values[name] = value;

    private Scope? Parent { get; } = parent;
}
