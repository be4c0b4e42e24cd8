using System.Text.Json.Nodes;

namespace LlavaSharp.Tests.Generation.Constraints;

/// <summary>Schemas of the supported keywords by chance.</summary>
internal sealed class RandomSchema(Random random)
{
    private static readonly string[] _names = ["a", "b", "ab", "name", "ä", "x y", "quo\"te", "z"];
    private static readonly string[] _patterns = ["^[a-z]{1,4}$", "^[ab]*b$", "^(x|yz)*$", "^\\d-\\d$", "^\"q\\\\$"];

    /// <summary>A document with definitions that refer to each other.</summary>
    public JsonObject Next()
    {
        var schema = Schema(3);
        schema["$defs"] = new JsonObject { ["leaf"] = Schema(0), ["node"] = Node() };
        return schema;
    }

    private JsonObject Schema(int depth)
    {
        switch (random.Next(depth > 0 ? 15 : 9))
        {
            case 0:
                return new() { ["type"] = random.Next(2) == 0 ? "null" : "boolean" };
            case 1:
                return new() { ["type"] = "integer" };
            case 2:
                var (low, high) = (random.Next(-150, 150), random.Next(0, 300));
                return new() { ["type"] = random.Next(2) == 0 ? "integer" : "number", ["minimum"] = low, ["maximum"] = low + high };
            case 3:
                var least = random.Next(-300, 300) / 100m;
                return new() { ["type"] = "number", [random.Next(2) == 0 ? "minimum" : "exclusiveMinimum"] = least, [random.Next(2) == 0 ? "maximum" : "exclusiveMaximum"] = least + (1 + random.Next(400)) / 100m };
            case 4:
                return new() { ["type"] = "string", ["minLength"] = random.Next(3), ["maxLength"] = random.Next(3, 7) };
            case 5:
                return new() { ["enum"] = new JsonArray("one", "two", "zwölf", random.Next(100), true, null, new JsonObject { ["k"] = new JsonArray(1, "q\"") }) };
            case 6:
                return new() { ["type"] = "string", ["pattern"] = _patterns[random.Next(_patterns.Length)] };
            case 7:
                return new() { ["type"] = new JsonArray("string", "null", "number") };
            case 8:
                return new() { ["const"] = random.Next(2) == 0 ? "fixed" : 1.5 };
            case 9:
                var items = random.Next(3);
                return new() { ["type"] = "array", ["items"] = Schema(depth - 1), ["minItems"] = items, ["maxItems"] = items + random.Next(3) };
            case 10:
                return new() { ["type"] = "array", ["prefixItems"] = new JsonArray(Schema(depth - 1), Schema(depth - 1)), ["items"] = random.Next(2) == 0 ? false : Schema(depth - 1) };
            case 11:
                return new() { [random.Next(2) == 0 ? "anyOf" : "oneOf"] = new JsonArray(Schema(depth - 1), Schema(depth - 1), new JsonObject { ["type"] = "null" }) };
            case 12:
                return new() { ["$ref"] = random.Next(3) == 0 ? "#/$defs/node" : "#/$defs/leaf" };
            case 13:
                var (left, right) = (Object(depth - 1, "l"), Object(depth - 1, "r"));
                left.Remove("additionalProperties");
                right.Remove("additionalProperties");
                return new() { ["allOf"] = new JsonArray(left, right) };
            default:
                return Object(depth - 1, "");
        }
    }

    private JsonObject Object(int depth, string prefix)
    {
        var properties = new JsonObject();
        foreach (var name in _names.Where(_ => random.Next(3) == 0))
            properties[prefix + name] = Schema(depth);
        string[] all = [.. properties.Select(property => property.Key)];
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = new JsonArray([.. all.Where(_ => random.Next(2) == 0).Select(name => (JsonNode)name)]) };
        if (random.Next(3) == 0)
            schema["additionalProperties"] = random.Next(2) == 0 ? false : Schema(0);
        return schema;
    }

    private static JsonObject Node() => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject { ["v"] = new JsonObject { ["$ref"] = "#/$defs/leaf" }, ["next"] = new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "null" }, new JsonObject { ["$ref"] = "#/$defs/node" }) } },
        ["required"] = new JsonArray("v", "next"),
    };
}
