using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlavaSharp.Tests.Generation.Constraints;

/// <summary>Whether a value satisfies a schema, as the specification says it; knows nothing of the library.</summary>
internal static class SchemaJudge
{
    /// <summary>What is wrong; null where nothing is.</summary>
    public static string? Fault(JsonElement schema, JsonElement value) => Fault(schema, value, schema);

    private static string? Fault(JsonElement schema, JsonElement value, JsonElement root)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return schema.ValueKind == JsonValueKind.True ? null : "nothing may stand here";
        if (schema.TryGetProperty("nullable", out var nullable) && nullable.GetBoolean() && value.ValueKind == JsonValueKind.Null)
            return null;
        foreach (var keyword in schema.EnumerateObject())
            if (Keyword(keyword.Name, keyword.Value, schema, value, root) is { } fault)
                return $"{keyword.Name} {keyword.Value.GetRawText()}: {value.GetRawText()}: {fault}";
        return null;
    }

    private static string? Keyword(string name, JsonElement wanted, JsonElement schema, JsonElement value, JsonElement root)
    {
        var isText = value.ValueKind == JsonValueKind.String;
        var isNumber = value.ValueKind == JsonValueKind.Number;
        var isArray = value.ValueKind == JsonValueKind.Array;
        var isObject = value.ValueKind == JsonValueKind.Object;
        var length = isText ? value.GetString()!.EnumerateRunes().Count() : 0;
        // exponents go beyond decimals
        var number = !isNumber ? 0 : value.TryGetDecimal(out var exact) ? exact : value.GetDouble() > 0 ? decimal.MaxValue : decimal.MinValue;
        switch (name)
        {
            case "type":
                return (wanted.ValueKind == JsonValueKind.Array ? wanted.EnumerateArray().Any(type => Is(type.GetString()!, value)) : Is(wanted.GetString()!, value)) ? null : "type";
            case "enum":
                return wanted.EnumerateArray().Any(item => JsonElement.DeepEquals(item, value)) ? null : "none of them";
            case "const":
                return JsonElement.DeepEquals(wanted, value) ? null : "another";
            case "minLength":
                return !isText || length >= wanted.GetInt32() ? null : "short";
            case "maxLength":
                return !isText || length <= wanted.GetInt32() ? null : "long";
            case "pattern":
                return !isText || Regex.IsMatch(value.GetString()!, wanted.GetString()!, RegexOptions.ECMAScript) ? null : "no match";
            case "minimum":
                return !isNumber || number >= wanted.GetDecimal() ? null : "small";
            case "maximum":
                return !isNumber || number <= wanted.GetDecimal() ? null : "large";
            case "exclusiveMinimum":
                return !isNumber || number > wanted.GetDecimal() ? null : "small";
            case "exclusiveMaximum":
                return !isNumber || number < wanted.GetDecimal() ? null : "large";
            case "minItems":
                return !isArray || value.GetArrayLength() >= wanted.GetInt32() ? null : "few";
            case "maxItems":
                return !isArray || value.GetArrayLength() <= wanted.GetInt32() ? null : "many";
            case "prefixItems":
                return isArray ? value.EnumerateArray().Zip(wanted.EnumerateArray(), (item, part) => Fault(part, item, root)).FirstOrDefault(fault => fault is not null) : null;
            case "items" when wanted.ValueKind == JsonValueKind.Array:
                return isArray ? value.EnumerateArray().Zip(wanted.EnumerateArray(), (item, part) => Fault(part, item, root)).FirstOrDefault(fault => fault is not null) : null;
            case "items":
                var prefix = schema.TryGetProperty("prefixItems", out var first) ? first.GetArrayLength() : 0;
                return isArray ? value.EnumerateArray().Skip(prefix).Select(item => Fault(wanted, item, root)).FirstOrDefault(fault => fault is not null) : null;
            case "required":
                return !isObject || wanted.EnumerateArray().All(item => value.TryGetProperty(item.GetString()!, out _)) ? null : "missing";
            case "properties":
                return isObject ? value.EnumerateObject().Select(member => wanted.TryGetProperty(member.Name, out var part) ? Fault(part, member.Value, root) : null).FirstOrDefault(fault => fault is not null) : null;
            case "additionalProperties":
                return isObject ? value.EnumerateObject().Where(member => !schema.TryGetProperty("properties", out var listed) || !listed.TryGetProperty(member.Name, out _))
                    .Select(member => Fault(wanted, member.Value, root)).FirstOrDefault(fault => fault is not null) : null;
            case "anyOf" or "oneOf":
                return wanted.EnumerateArray().Any(part => Fault(part, value, root) is null) ? null : "no alternative";
            case "allOf":
                return wanted.EnumerateArray().Select(part => Fault(part, value, root)).FirstOrDefault(fault => fault is not null);
            case "$ref":
                var target = root;
                foreach (var step in wanted.GetString()!.Split('/').Skip(1))
                    target = target.GetProperty(Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal));
                return Fault(target, value, root);
            default:
                return null;
        }
    }

    private static bool Is(string type, JsonElement value) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() % 1 == 0,
        "number" => value.ValueKind == JsonValueKind.Number,
        "string" => value.ValueKind == JsonValueKind.String,
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => throw new ArgumentException(type),
    };
}
