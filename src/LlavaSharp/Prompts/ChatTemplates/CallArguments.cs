namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>What a function, filter, test or macro is given, computed.</summary>
/// <param name="context">Where errors come from.</param>
/// <param name="callee">What is called, as messages name it.</param>
/// <param name="positional">The arguments without a name.</param>
/// <param name="named">The arguments with one.</param>
internal sealed class CallArguments(RenderContext context, string callee, IReadOnlyList<object?> positional, IReadOnlyList<KeyValuePair<string, object?>> named)
{
    /// <summary>Stands where a call gives nothing.</summary>
    private static readonly object _missing = new();

    public RenderContext Context { get; } = context;

    /// <summary>What is called, as messages name it.</summary>
    public string Callee { get; } = callee;

    public IReadOnlyList<object?> Positional { get; } = positional;

    public IReadOnlyList<KeyValuePair<string, object?>> Named { get; } = named;

    /// <summary>The same arguments without the first ones.</summary>
    public CallArguments After(int count, string callee) => new(Context, callee, [.. Positional.Skip(count)], Named);

    /// <summary>The arguments in the order of the parameters.</summary>
    /// <param name="required">How many of them must be given.</param>
    /// <param name="names">The parameters.</param>
    public Bound Bind(int required, params ReadOnlySpan<string> names)
    {
        if (Positional.Count > names.Length)
            throw Context.Error($"{Callee} takes {names.Length} arguments, not {Positional.Count}.");
        var values = new object?[names.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = i < Positional.Count ? Positional[i] : _missing;
        foreach (var (name, value) in Named)
        {
            var index = names.IndexOf(name);
            if (index < 0)
                throw Context.Error($"{Callee} has no argument '{name}'.");
            if (!ReferenceEquals(values[index], _missing))
                throw Context.Error($"{Callee} is given its argument '{name}' twice.");
            values[index] = value;
        }
        for (var i = 0; i < required; i++)
            if (ReferenceEquals(values[i], _missing))
                throw Context.Error($"{Callee} needs the argument '{names[i]}'.");
        return new Bound(this, names.ToArray(), values);
    }

    /// <summary>Arguments that have found their parameters.</summary>
    internal sealed class Bound(CallArguments call, string[] names, object?[] values)
    {
        public object? this[int index] => values[index];

        public bool Has(int index) => !ReferenceEquals(values[index], _missing);

        /// <summary>An argument, or another value where none was given.</summary>
        public object? Or(int index, object? fallback) => Has(index) ? values[index] : fallback;

        public string Text(int index) => values[index] as string ?? throw Wrong(index, "a text");

        /// <summary>A text, or null where none, or <c>none</c>, was given.</summary>
        public string? TextOrNull(int index) => !Has(index) || values[index] is null ? null : Text(index);

        public long Whole(int index) => values[index] switch
        {
            long number => number,
            bool flag => flag ? 1 : 0,
            _ => throw Wrong(index, "a whole number"),
        };

        public long Whole(int index, long fallback) => Has(index) && values[index] is not null ? Whole(index) : fallback;

        public bool Flag(int index, bool fallback) => Has(index) ? ValueRules.IsTrue(values[index]) : fallback;

        private ChatTemplateException Wrong(int index, string wanted) =>
            call.Context.Error($"the argument '{names[index]}' of {call.Callee} must be {wanted}, not {ValueRules.Describe(values[index])}.");
    }
}
