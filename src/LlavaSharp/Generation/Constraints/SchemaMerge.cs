using System.Text;
using System.Text.Json;

namespace LlavaSharp.Generation.Constraints;

/// <summary>Two lists of demands as one.</summary>
internal static class SchemaMerge
{
    /// <summary>What satisfies both; null where nothing can.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <param name="pointer">Where they meet.</param>
    /// <exception cref="JsonSchemaException">They can be joined only in ways that are not supported.</exception>
    public static FlatSchema? Join(FlatSchema left, FlatSchema right, string pointer)
    {
        if (left.IsAny)
            return right;
        if (right.IsAny)
            return left;
        var types = left.Types is { } l && right.Types is { } r ? l & r : left.Types ?? right.Types;
        if (types == JsonTypes.None)
            return null;
        if (left.Pattern is not null && right.Pattern is not null && left.Pattern != right.Pattern)
            throw new JsonSchemaException(pointer, "two patterns for one text are not supported. Write them as one.");
        var joined = left with
        {
            Types = types,
            Mentioned = left.Mentioned | right.Mentioned,
            Values = Values(left.Values, right.Values),
            Properties = Properties(left, right, pointer),
            ListsProperties = left.ListsProperties || right.ListsProperties,
            Required = [.. left.Required.Union(right.Required)],
            Additional = Both(left.Additional, right.Additional),
            Prefix = [.. Enumerable.Range(0, Math.Max(left.Prefix.Count, right.Prefix.Count)).Select(i => Both(Item(left, i), Item(right, i)) ?? SchemaPart.Any)],
            Items = Both(left.Items, right.Items),
            MinItems = Math.Max(left.MinItems, right.MinItems),
            MaxItems = Least(left.MaxItems, right.MaxItems),
            MinLength = Math.Max(left.MinLength, right.MinLength),
            MaxLength = Least(left.MaxLength, right.MaxLength),
            Pattern = left.Pattern ?? right.Pattern,
            Minimum = NumberBound.Higher(left.Minimum, right.Minimum),
            Maximum = NumberBound.Lower(left.Maximum, right.Maximum),
        };
        return joined.Values is { Count: 0 } ? null : joined;
    }

    private static OrderedDictionary<string, SchemaPart> Properties(FlatSchema left, FlatSchema right, string pointer)
    {
        var properties = new OrderedDictionary<string, SchemaPart>();
        foreach (var (from, other) in new[] { (left, right), (right, left) })
        {
            foreach (var (name, part) in from.Properties)
            {
                var both = other.Properties.TryGetValue(name, out var same) ? part.And(same) : other.Additional is { } additional ? part.And(additional) : part;
                if (!other.Properties.ContainsKey(name) && other.Additional is { Places: [{ Element.ValueKind: JsonValueKind.False }] })
                    throw new JsonSchemaException(pointer, $"one part forbids additional properties and another one lists '{name}'. Write the properties of all parts into one object.");
                properties.TryAdd(name, both);
            }
        }
        return properties;
    }

    private static IReadOnlyList<JsonElement>? Values(IReadOnlyList<JsonElement>? left, IReadOnlyList<JsonElement>? right) =>
        left is null ? right : right is null ? left : [.. left.IntersectBy(right.Select(Text), Text)];

    private static string Text(JsonElement value) => Encoding.UTF8.GetString(JsonGrammar.Write(value));

    private static SchemaPart? Item(FlatSchema schema, int index) => index < schema.Prefix.Count ? schema.Prefix[index] : schema.Items;

    private static SchemaPart? Both(SchemaPart? left, SchemaPart? right) => left is null ? right : right is null ? left : left.And(right);

    private static int? Least(int? left, int? right) => left is null ? right : right is null ? left : Math.Min(left.Value, right.Value);
}
