using System.Text.Json;

namespace LlavaSharp.Generation.Constraints;

/// <summary>Follows the references and alternatives of a schema document, and reads what each schema asks for.</summary>
/// <param name="root">The document.</param>
internal sealed class SchemaReader(JsonElement root)
{
    private const int MostAlternatives = 2000;
    private const int MostDepth = 100;
    private const int MostWork = 1_000_000;   // schemas looked at, and properties of those that were joined

    private int _work;

    /// <summary>The whole document.</summary>
    public SchemaPart Root { get; } = new([new(root, "#")]);

    /// <summary>What a value must satisfy one of; empty where no value will do.</summary>
    /// <exception cref="JsonSchemaException">A keyword is not supported or malformed.</exception>
    public IReadOnlyList<FlatSchema> Flatten(SchemaPart part)
    {
        IReadOnlyList<FlatSchema> all = [FlatSchema.Any];
        foreach (var place in part.Places)
            all = Cross(all, Flatten(place, []), place.Pointer);
        return all;
    }

    /// <summary>A part that only refers to another one is that one.</summary>
    public SchemaPart Follow(SchemaPart part)
    {
        for (var i = 0; i < MostDepth && part.Places is [{ Element.ValueKind: JsonValueKind.Object } place]; i++)
        {
            if (!IsSaid(place.Element, "$ref", out var reference) || place.Element.EnumerateObject().Any(property => property.Name != "$ref" && !SchemaKeywords.SaysNothing(property.Name)))
                break;
            part = new([Resolve(reference, $"{place.Pointer}/$ref")]);
        }
        return part;
    }

    private IReadOnlyList<FlatSchema> Flatten(SchemaPlace place, IReadOnlyList<string> around)
    {
        var (element, pointer) = place;
        Work(1, pointer);
        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return element.ValueKind == JsonValueKind.True ? [FlatSchema.Any] : [];
        if (element.ValueKind != JsonValueKind.Object)
            throw new JsonSchemaException(pointer, "a schema is an object, true or false.");
        if (around.Contains(pointer))
            throw new JsonSchemaException(pointer, "the schema refers to itself without anything in between. Refer to it from a property or from items.");
        if (around.Count >= MostDepth)
            throw new JsonSchemaException(pointer, $"references and alternatives lead further than {MostDepth} steps.");
        string[] inside = [.. around, pointer];
        IReadOnlyList<FlatSchema> all = [SchemaKeywords.Read(place)];
        if (IsSaid(element, "$ref", out var reference))
            all = Cross(all, Flatten(Resolve(reference, $"{pointer}/$ref"), inside), pointer);
        foreach (var keyword in new[] { "anyOf", "oneOf" })
            if (IsSaid(element, keyword, out var options))
                all = Cross(all, [.. Limited(List(options, $"{pointer}/{keyword}").SelectMany(option => Flatten(option, inside)), pointer)], pointer);
        if (IsSaid(element, "allOf", out var parts))
            foreach (var part in List(parts, $"{pointer}/allOf"))
                all = Cross(all, Flatten(part, inside), part.Pointer);
        return element.TryGetProperty("nullable", out var nullable) && nullable.ValueKind == JsonValueKind.True ? [.. all, new FlatSchema { Types = JsonTypes.Null }] : all;
    }

    private static bool IsSaid(JsonElement schema, string keyword, out JsonElement value) => schema.TryGetProperty(keyword, out value) && value.ValueKind != JsonValueKind.Null;

    private void Work(int amount, string pointer)
    {
        if ((_work += amount) > MostWork)
            throw new JsonSchemaException(pointer, "joining the parts of the schema takes too long. Use fewer of anyOf, oneOf, allOf and $ref inside each other.");
    }

    private List<FlatSchema> Cross(IReadOnlyList<FlatSchema> left, IReadOnlyList<FlatSchema> right, string pointer)
    {
        if ((long)left.Count * right.Count > MostAlternatives)
            throw TooMany(pointer);
        var joined = new List<FlatSchema>();
        foreach (var first in left)
            foreach (var second in right)
            {
                Work(1 + first.Properties.Count + second.Properties.Count, pointer);
                if (SchemaMerge.Join(first, second, pointer) is { } both)
                    joined.Add(both);
            }
        return joined;
    }

    private static IEnumerable<FlatSchema> Limited(IEnumerable<FlatSchema> schemas, string pointer) =>
        schemas.Select((schema, index) => index < MostAlternatives ? schema : throw TooMany(pointer));

    private static JsonSchemaException TooMany(string pointer) => new(pointer, $"there are more than {MostAlternatives} alternatives. Use fewer of anyOf, oneOf and allOf inside each other.");

    private static IEnumerable<SchemaPlace> List(JsonElement element, string pointer)
    {
        if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() == 0)
            throw new JsonSchemaException(pointer, "a list of schemas with at least one is expected.");
        return element.EnumerateArray().Select((item, index) => new SchemaPlace(item, $"{pointer}/{index}"));
    }

    private SchemaPlace Resolve(JsonElement reference, string pointer)
    {
        var text = reference.ValueKind == JsonValueKind.String ? SchemaKeywords.Text(reference, pointer) : throw new JsonSchemaException(pointer, "a reference is a text.");
        if (text != "#" && !text.StartsWith("#/", StringComparison.Ordinal))
            throw new JsonSchemaException(pointer, $"'{text}' leads out of the document. Copy that schema into '$defs', and refer to it as '#/$defs/NAME'.");
        var element = root;
        foreach (var step in text.Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (element.ValueKind == JsonValueKind.Array && int.TryParse(name, System.Globalization.NumberStyles.None, null, out var index) && index < element.GetArrayLength())
                element = element[index];
            else if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                throw new JsonSchemaException(pointer, $"'{text}' leads to nothing: there is no '{name}'.");
        }
        return new(element, text);
    }
}
