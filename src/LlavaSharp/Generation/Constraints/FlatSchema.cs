using System.Text.Json;

namespace LlavaSharp.Generation.Constraints;

/// <summary>What a schema asks of a value once references and alternatives are followed: a value satisfies the schema when it satisfies one such list.</summary>
internal sealed record FlatSchema
{
    public static FlatSchema Any { get; } = new();

    /// <summary>The types that are named; null: none is.</summary>
    public JsonTypes? Types { get; init; }

    /// <summary>The types of values that a keyword of this schema speaks of.</summary>
    public JsonTypes Mentioned { get; init; }

    /// <summary>The only values; null: any.</summary>
    public IReadOnlyList<JsonElement>? Values { get; init; }

    public OrderedDictionary<string, SchemaPart> Properties { get; init; } = [];

    /// <summary>Whether properties are listed, perhaps none.</summary>
    public bool ListsProperties { get; init; }

    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>What properties that are not listed must be; null where nothing is said.</summary>
    public SchemaPart? Additional { get; init; }

    public IReadOnlyList<SchemaPart> Prefix { get; init; } = [];

    /// <summary>What items behind the prefix must be; null where nothing is said.</summary>
    public SchemaPart? Items { get; init; }

    public int MinItems { get; init; }

    public int? MaxItems { get; init; }

    public int MinLength { get; init; }

    public int? MaxLength { get; init; }

    public string? Pattern { get; init; }

    public NumberBound? Minimum { get; init; }

    public NumberBound? Maximum { get; init; }

    /// <summary>The types that values can have: a schema that names none, but speaks of texts only, is taken to mean texts.</summary>
    public JsonTypes Kinds => Types ?? (Mentioned == JsonTypes.None ? JsonTypes.All : Mentioned);

    /// <summary>Whether any value will do.</summary>
    public bool IsAny => Types is null && Mentioned == JsonTypes.None && Values is null;

    /// <summary>What the item at a place must be; null where there may be none.</summary>
    public SchemaPart? ItemAt(int index) => index < Prefix.Count ? Prefix[index] : Items ?? (Prefix.Count > 0 && index >= MinItems ? null : SchemaPart.Any);

    /// <summary>Whether a value of a list of values satisfies the rest.</summary>
    /// <param name="value">The value.</param>
    /// <param name="pointer">Where the list is.</param>
    /// <exception cref="JsonSchemaException">The value is an array or object, and more than its type is asked for.</exception>
    public bool Admits(JsonElement value, string pointer)
    {
        var type = TypeOf(value);
        if ((Kinds & type) == 0 && Types is not null)
            return false;
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                if (Pattern is not null)
                    throw new JsonSchemaException(pointer, "a pattern beside a list of values is not checked. Leave the pattern out: the list says it all.");
                var length = value.GetString()!.EnumerateRunes().Count();
                return length >= MinLength && length <= (MaxLength ?? int.MaxValue);
            case JsonValueKind.Number:
                if (Minimum is null && Maximum is null)
                    return true;
                if (!value.TryGetDecimal(out var number))
                    throw new JsonSchemaException(pointer, "a number beyond 28 digits cannot be compared with bounds.");
                return !(Minimum is { } low && (number < low.Value || (number == low.Value && low.IsExclusive)))
                    && !(Maximum is { } high && (number > high.Value || (number == high.Value && high.IsExclusive)));
            case JsonValueKind.Array when (Mentioned & JsonTypes.Array) != 0:
            case JsonValueKind.Object when (Mentioned & JsonTypes.Object) != 0:
                throw new JsonSchemaException(pointer, "arrays and objects in a list of values are not checked against other keywords. Leave those out: the list says it all.");
            default:
                return true;
        }
    }

    private static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Number => value.TryGetDecimal(out var number) && number == decimal.Truncate(number) ? JsonTypes.Integer : JsonTypes.Fraction,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.Array => JsonTypes.Array,
        _ => JsonTypes.Object,
    };
}
