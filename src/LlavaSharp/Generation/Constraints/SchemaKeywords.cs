using System.Text.Json;

namespace LlavaSharp.Generation.Constraints;

/// <summary>Reads the keywords of one schema. Those that would limit answers and are not held to are refused.</summary>
internal static class SchemaKeywords
{
    private const int MostCount = 1_000_000;

    private static readonly HashSet<string> _annotations = new(StringComparer.Ordinal)
    {
        "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "contentMediaType", "contentEncoding", "externalDocs", "discriminator", "xml",
        "$schema", "$id", "id", "$comment", "$defs", "definitions", "$anchor", "$vocabulary",
    };

    // read by the reader of the document
    private static readonly HashSet<string> _applied = new(StringComparer.Ordinal) { "$ref", "anyOf", "oneOf", "allOf", "nullable" };

    /// <summary>Whether a keyword asks for nothing.</summary>
    public static bool SaysNothing(string keyword) => _annotations.Contains(keyword) || keyword.StartsWith("x-", StringComparison.Ordinal);

    /// <summary>What a schema asks for by itself.</summary>
    /// <exception cref="JsonSchemaException">A keyword is not supported, or malformed.</exception>
    public static FlatSchema Read(SchemaPlace place)
    {
        var schema = FlatSchema.Any;
        string? format = null;
        foreach (var property in place.Element.EnumerateObject())
        {
            var (name, value, pointer) = (property.Name, property.Value, $"{place.Pointer}/{Escape(property.Name)}");
            // clients write null for what they do not set
            if (SaysNothing(name) || _applied.Contains(name) || (value.ValueKind == JsonValueKind.Null && name != "const"))
                continue;
            if (name == "format")
                format = Text(value, pointer);
            else
                schema = Read(schema, name, value, pointer);
        }
        // a format says what is meant; it is held to where nothing more exact stands beside it
        if (format is not null && PatternCompiler.OfFormat(format) is { } pattern && schema is { Pattern: null, MinLength: 0, MaxLength: null, Values: null } && (schema.Kinds & JsonTypes.String) != 0)
            schema = schema with { Pattern = pattern, Mentioned = schema.Mentioned | JsonTypes.String };
        return schema;
    }

    /// <summary>A text of a schema.</summary>
    public static string Text(JsonElement value, string pointer)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new JsonSchemaException(pointer, "a text is expected.");
        }
        catch (InvalidOperationException)
        {
            throw new JsonSchemaException(pointer, "the text holds half a character.");
        }
    }

    private static FlatSchema Read(FlatSchema schema, string name, JsonElement value, string pointer)
    {
        const JsonTypes text = JsonTypes.String, number = JsonTypes.Number, array = JsonTypes.Array, map = JsonTypes.Object;
        switch (name)
        {
            case "type":
                return schema with { Types = Types(value, pointer) };
            case "enum":
                return schema with { Values = SchemaMerge.Join(schema with { Types = null }, new() { Values = Values(value, pointer), Mentioned = JsonTypes.None }, pointer)?.Values ?? [] };
            case "const":
                Texts(value, pointer);
                return schema with { Values = SchemaMerge.Join(schema with { Types = null }, new() { Values = [value] }, pointer)?.Values ?? [] };
            case "minLength":
                return Say(schema, text) with { MinLength = Count(value, pointer) };
            case "maxLength":
                return Say(schema, text) with { MaxLength = Count(value, pointer) };
            case "pattern":
                return Say(schema, text) with { Pattern = Text(value, pointer) };
            case "minimum":
                return Say(schema, number) with { Minimum = NumberBound.Higher(schema.Minimum, new(Number(value, pointer), false)) };
            case "maximum":
                return Say(schema, number) with { Maximum = NumberBound.Lower(schema.Maximum, new(Number(value, pointer), false)) };
            case "exclusiveMinimum":
                return Say(schema, number) with { Minimum = NumberBound.Higher(schema.Minimum, new(Number(value, pointer), true)) };
            case "exclusiveMaximum":
                return Say(schema, number) with { Maximum = NumberBound.Lower(schema.Maximum, new(Number(value, pointer), true)) };
            case "items" when value.ValueKind == JsonValueKind.Array:   // the older form of prefixItems
            case "prefixItems":
                if (value.ValueKind != JsonValueKind.Array)
                    throw new JsonSchemaException(pointer, "a list of schemas is expected.");
                return Say(schema, array) with { Prefix = [.. value.EnumerateArray().Select((item, index) => Part(item, $"{pointer}/{index}"))] };
            case "items" or "additionalItems":
                return Say(schema, array) with { Items = Part(value, pointer) };
            case "minItems":
                return Say(schema, array) with { MinItems = Count(value, pointer) };
            case "maxItems":
                return Say(schema, array) with { MaxItems = Count(value, pointer) };
            case "properties":
                return Say(schema, map) with { Properties = Properties(value, pointer), ListsProperties = true };
            case "required":
                if (value.ValueKind != JsonValueKind.Array)
                    throw new JsonSchemaException(pointer, "a list of names is expected.");
                return Say(schema, map) with { Required = [.. value.EnumerateArray().Select((item, index) => Text(item, $"{pointer}/{index}")).Distinct()] };
            case "additionalProperties":
                return Say(schema, map) with { Additional = Part(value, pointer) };
            case "uniqueItems" when value.ValueKind == JsonValueKind.False:
            case "minProperties" when value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var none) && none == 0:
            case "unevaluatedProperties" or "unevaluatedItems" when value.ValueKind == JsonValueKind.True:
                return schema;   // nothing is asked
            default:
                throw new JsonSchemaException(pointer, $"the keyword '{name}' is not supported: answers would not be held to it. Leave it out, and check answers for it yourself.");
        }
    }

    private static FlatSchema Say(FlatSchema schema, JsonTypes types) => schema with { Mentioned = schema.Mentioned | types };

    private static SchemaPart Part(JsonElement value, string pointer) => new([new(value, pointer)]);

    private static JsonTypes Types(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.Array)
            return value.EnumerateArray().Aggregate(JsonTypes.None, (types, item) => types | Types(item.ValueKind == JsonValueKind.String ? item : default, pointer));
        return (value.ValueKind == JsonValueKind.String ? Text(value, pointer) : "") switch
        {
            "null" => JsonTypes.Null,
            "boolean" => JsonTypes.Boolean,
            "integer" => JsonTypes.Integer,
            "number" => JsonTypes.Number,
            "string" => JsonTypes.String,
            "array" => JsonTypes.Array,
            "object" => JsonTypes.Object,
            _ => throw new JsonSchemaException(pointer, "a type is one of null, boolean, integer, number, string, array and object, or a list of them."),
        };
    }

    private static IReadOnlyList<JsonElement> Values(JsonElement value, string pointer)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw new JsonSchemaException(pointer, "a list of values is expected.");
        JsonElement[] values = [.. value.EnumerateArray()];
        foreach (var item in values)
            Texts(item, pointer);
        return values;
    }

    // half a character has no UTF-8 form
    private static void Texts(JsonElement value, string pointer)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                Text(value, pointer);
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                    Texts(item, pointer);
                break;
            case JsonValueKind.Object:
                foreach (var property in value.EnumerateObject())
                {
                    Name(property, pointer);
                    Texts(property.Value, pointer);
                }
                break;
        }
    }

    private static OrderedDictionary<string, SchemaPart> Properties(JsonElement value, string pointer)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new JsonSchemaException(pointer, "an object of schemas is expected.");
        var properties = new OrderedDictionary<string, SchemaPart>();
        foreach (var property in value.EnumerateObject())
        {
            var name = Name(property, pointer);
            properties[name] = Part(property.Value, $"{pointer}/{Escape(name)}");
        }
        return properties;
    }

    private static string Name(JsonProperty property, string pointer)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw new JsonSchemaException(pointer, "a name holds half a character.");
        }
    }

    private static int Count(JsonElement value, string pointer) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var count) && count == decimal.Truncate(count) && count is >= 0 and <= MostCount
            ? (int)count
            : throw new JsonSchemaException(pointer, $"a whole number from 0 to {MostCount} is expected.");

    private static decimal Number(JsonElement value, string pointer) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) ? number : throw new JsonSchemaException(pointer, "a number of up to 28 digits is expected.");

    private static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
