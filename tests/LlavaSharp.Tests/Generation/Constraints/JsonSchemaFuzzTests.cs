using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Constraints;

namespace LlavaSharp.Tests.Generation.Constraints;

public class JsonSchemaFuzzTests
{
    private static readonly string[] _keywords =
    [
        "type", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "$defs", "definitions",
        "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "pattern", "format", "nullable", "not", "additionalItems", "uniqueItems", "x",
    ];

    private static readonly string[] _texts =
        ["string", "object", "array", "number", "integer", "null", "#", "#/", "#/$defs/a", "#/properties/a", "#/anyOf/0", "%", "^a{2,3}$", "[a-", "(((", "\\u12", "a{9,1}", "a", "date", "ä", "(a|b)*c", "[^\\s\\S]", ".{0,2000}.{0,2000}"];

    [Fact]
    public void Schema_RandomGarbage_GivesAnAnswerOrATypedError()
    {
        var random = new Random(21);
        var (compiled, refused) = (0, 0);
        for (var i = 0; i < 6000; i++)
        {
            var json = Node(random, 5)?.ToJsonString() ?? "null";
            try
            {
                var constraint = Followed.Schema(json, new() { MaxInstructions = 5000 });
                var state = constraint.Begin();
                for (var step = 0; step < 3 && !state.IsComplete; step++)
                {
                    var allowed = Followed.Logits(state);
                    Assert.NotEmpty(allowed);
                    if (allowed.First(_ => true) is var id && id == Followed.End)
                        break;
                    state.Accept(id);
                }
                compiled++;
            }
            catch (JsonSchemaException exception)
            {
                Assert.StartsWith("#", exception.Pointer, StringComparison.Ordinal);
                refused++;
            }
            catch (GenerationException)
            {
                refused++;   // too many ways
            }
        }
        Assert.True(compiled > 200 && refused > 200, $"{compiled} compiled, {refused} refused");
    }

    [Fact]
    public void Schema_Hostile_IsRefusedInTime()
    {
        string[] hostile =
        [
            Nested(200, inner => $$"""{"anyOf":[{{inner}},{{inner}}]}""", depthOfText: 12),
            // no alternative is left, however often it doubles
            """{"$ref":"#/$defs/d0","$defs":{""" + string.Concat(Enumerable.Range(0, 90).Select(i => """ "dA":{"anyOf":[{"$ref":"#/$defs/dB"},{"$ref":"#/$defs/dB"}]},""".Replace("A", $"{i}").Replace("B", $"{i + 1}"))) + "\"d90\":false}}",
            $$"""{"enum":[{{string.Join(',', Enumerable.Range(0, 3000).Select(i => $"\"{new string('a', i)}\""))}}]}""",
            "{\"type\":\"object\",\"properties\":{\"" + new string('a', 50_000) + "\":{}},\"additionalProperties\":true}",
            """{"type":"string","pattern":"(a{0,2000}){0,2000}(a{0,2000}){0,2000}"}""",
            $$"""{"type":"string","pattern":"{{new string('(', 500)}}"}""",
            "{\"allOf\":[" + string.Join(',', Enumerable.Range(0, 4000).Select(i => "{\"properties\":{\"p" + i + "\":{}}}")) + "]}",
            """{"type":"array","items":{"type":"array","items":{"type":"array"},"minItems":100000},"minItems":100000}""",
            $$"""{"const":"{{new string('a', 1_100_000)}}"}""",
        ];
        foreach (var schema in hostile)
        {
            try
            {
                // where it is taken, it can be used
                var state = JsonConstraint.ForSchema(Followed.Vocabulary, JsonDocument.Parse(schema, new() { MaxDepth = 1000 }).RootElement).Begin();
                Assert.NotEmpty(Followed.Logits(state));
            }
            catch (Exception exception) when (exception is JsonSchemaException or GenerationException)
            {
            }
        }

        static string Nested(int depth, Func<string, string> wrap, int depthOfText)
        {
            var text = """{"type":"null"}""";
            for (var i = 0; i < Math.Min(depth, depthOfText); i++)
                text = wrap(text);
            return text;
        }
    }

    [Fact]
    public void Alternatives_TooManyAtOnce_AreATypedError()
    {
        // each item may be read in two ways, and all of them stay open
        var doubled = """{"$ref":"#/$defs/l","$defs":{"l":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/l"},"maxItems":2},{"type":"array","items":{"$ref":"#/$defs/l"},"maxItems":3}]}}}""";
        var state = Followed.Schema(doubled).Begin();
        var exception = Record.Exception(() =>
        {
            for (var i = 0; i < 30; i++)
            {
                Assert.NotEmpty(Followed.Logits(state));
                state.Accept(Followed.Vocabulary.TokenToId("[")!.Value);
            }
        });
        Assert.IsType<GenerationException>(exception);
    }

    private static JsonNode? Node(Random random, int depth)
    {
        switch (random.Next(depth > 0 ? 14 : 6))
        {
            case 0:
                return random.Next(-2, 5);
            case 1:
                return random.Next(2) == 0;
            case 2:
                return null;
            case 3:
                return 1e30;
            case 4 or 5:
                return _texts[random.Next(_texts.Length)];
            case 6 or 7:
                return new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Node(random, depth - 1))]);
            default:
                var node = new JsonObject();
                for (var i = random.Next(4); i >= 0; i--)
                    node[random.Next(8) == 0 ? "a" : _keywords[random.Next(_keywords.Length)]] = Node(random, depth - 1);
                return node;
        }
    }
}
