using System.Text.Json;

namespace LlavaSharp.Generation.Constraints;

/// <summary>A place in a schema document.</summary>
/// <param name="Element">The schema there.</param>
/// <param name="Pointer">Its JSON pointer, with <c>#</c> in front.</param>
internal readonly record struct SchemaPlace(JsonElement Element, string Pointer);

/// <summary>Schemas that all hold for one value.</summary>
/// <param name="Places">Where they are; none: any value.</param>
internal sealed record SchemaPart(IReadOnlyList<SchemaPlace> Places)
{
    /// <summary>Any value.</summary>
    public static SchemaPart Any { get; } = new([]);

    /// <summary>Tells parts apart.</summary>
    public string Key { get; } = string.Join('&', Places.Select(place => place.Pointer));

    /// <summary>Both hold.</summary>
    public SchemaPart And(SchemaPart other) => new([.. Places.Concat(other.Places).DistinctBy(place => place.Pointer)]);
}
