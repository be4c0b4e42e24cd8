using System.Text.Json;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Constraints;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Tests.Generation.Constraints;

public class JsonConstraintTests
{
    private const string Person = """
        {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"tags":{"type":"array","items":{"enum":["a","b","ä"]}}},"required":["name"]}
        """;

    [Theory]
    [InlineData("""{"type":"string"}""", "\"\"", "\"a \\\"b\\\" \\u00e4\\ud83d\\ude00 ä😀\"", "\" x\"")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"ab\"", "\"ä😀c\"", "\"\\u0041\\n\"")]
    [InlineData("""{"type":"string","maxLength":0}""", "\"\"")]
    [InlineData("""{"type":"integer"}""", "0", "-0", "-12", "123456789012345")]
    [InlineData("""{"type":"number"}""", "0", "-0.5", "1e9", "12.25E-3")]
    [InlineData("""{"type":"integer","minimum":-3,"maximum":120}""", "-3", "-1", "0", "9", "10", "99", "100", "120")]
    [InlineData("""{"type":"integer","exclusiveMinimum":9,"maximum":11}""", "10", "11")]
    [InlineData("""{"type":"number","minimum":0,"maximum":1}""", "0", "1", "0.5", "0.999999999", "1.0", "0.0")]
    [InlineData("""{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.25}""", "0.1", "0.249", "0.001")]
    [InlineData("""{"type":"number","minimum":-1.5}""", "-1.5", "-1.49", "-1", "0", "7.25", "-0.2")]
    [InlineData("""{"type":["string","null"]}""", "null", "\"a\"")]
    [InlineData("""{"type":"string","nullable":true}""", "null", "\"a\"")]
    [InlineData("""{"type":"boolean"}""", "true", "false")]
    [InlineData("""{"enum":["a","ab",1,null,{"b":[1, 2]}]}""", "\"a\"", "\"ab\"", "1", "null", "{\"b\":[1,2]}")]
    [InlineData("""{"type":"string","enum":["a",1]}""", "\"a\"")]
    [InlineData("""{"const":"x"}""", "\"x\"")]
    [InlineData("""{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":2}""", "[true]", "[true,false]", "[ true, false ]")]
    [InlineData("""{"type":"array"}""", "[]", "[1, \"a\", [null], {}]")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"boolean"},{"type":"null"}]}""", "[]", "[true]", "[true,null]")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"boolean"}],"items":{"type":"null"}}""", "[true,null,null]")]
    [InlineData("""{"items":[{"type":"boolean"}],"additionalItems":false}""", "[true]", "[]")]
    [InlineData("""{"type":"array","items":false}""", "[]")]
    [InlineData(Person, "{\"name\":\"x\"}", "{ \"name\": \"x\", \"age\": 3 }", "{\"name\":\"x\",\"tags\":[\"a\", \"ä\"]}")]
    [InlineData("""{"type":"object"}""", "{}", "{\"a\":{\"b\":[{}]}}", "{\"a\":1,\"b\":2}")]
    [InlineData("""{"type":"object","properties":{}}""", "{}")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":{"type":"integer"}}""", "{}", "{\"a\":null}", "{\"a\":null,\"b\":1,\"\":2,\"ab\":3}", "{\"x\":1}")]
    [InlineData("""{"type":"object","properties":{"a":{}},"additionalProperties":false}""", "{}", "{\"a\":[1]}")]
    [InlineData("""{"type":"object","required":["z"]}""", "{\"z\":1}")]
    [InlineData("""{"anyOf":[{"type":"integer"},{"type":"object","properties":{"a":{"type":"null"}},"required":["a"]}]}""", "5", "{\"a\":null}")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}""", "{\"a\":null}", "{\"b\":null}", "{\"a\":null,\"b\":null}")]
    [InlineData("""{"allOf":[{"type":"object","properties":{"a":{"type":"null"}},"required":["a"]},{"properties":{"b":{"type":"boolean"}}}]}""", "{\"a\":null}", "{\"a\":null,\"b\":true}")]
    [InlineData("""{"allOf":[{"properties":{"a":{"type":["string","integer"]}}},{"properties":{"a":{"type":["integer","null"]}}}],"required":["a"]}""", "{\"a\":4}")]
    [InlineData("""{"$ref":"#/$defs/x","$defs":{"x":{"type":"null"}}}""", "null")]
    [InlineData("""{"$ref":"#/definitions/a~1b%20c","definitions":{"a/b c":{"type":"null"}}}""", "null")]
    [InlineData("""{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["v","next"]}""", "{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}")]
    [InlineData("""{"type":"array","items":{"$ref":"#"}}""", "[]", "[[],[[]]]")]
    [InlineData("""{"type":"string","pattern":"^a[b-d]+(x|yz){2}\\d?$"}""", "\"abxx\"", "\"abcdxyz7\"", "\"adyzyz\"")]
    [InlineData("""{"type":"string","pattern":"b"}""", "\"b\"", "\"abc\"", "\"\\\"b\\\\\"")]
    [InlineData("""{"type":"string","pattern":"^[^a]$"}""", "\"b\"", "\"ä\"", "\"\\\"\"", "\"\\n\"", "\"\\u0001\"")]
    [InlineData("""{"type":"string","format":"date"}""", "\"2024-02-28\"", "\"1999-12-31\"")]
    [InlineData("""{"type":"string","format":"uri"}""", "\"anything\"")]
    [InlineData("true", "1", "[]", "\"a\"", "{\"a\":null}")]
    [InlineData("{}", "-1.5", "{\"a\":[]}")]
    [InlineData("""{"title":"t","description":"d","x-y":1,"default":3,"type":"null"}""", "null")]
    public void Schema_AdmitsWhatSatisfiesIt(string schema, params string[] texts)
    {
        foreach (var text in texts)
        {
            Assert.True(Followed.Admits(Followed.Schema(schema), text), text);
            Assert.True(Followed.Admits(Followed.Schema(schema), " " + text), "with a space in front: " + text);
            using var document = JsonDocument.Parse(text);
            Assert.Null(SchemaJudge.Fault(JsonElement.Parse(schema), document.RootElement));
        }
    }

    [Theory]
    [InlineData("""{"type":"string"}""", "", "\"", "a", "1", "\"\n\"", "\"\\x\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\"b")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"a\"", "\"abcd\"", "\"\\n\"")]
    [InlineData("""{"type":"integer"}""", "01", "1.0", "1e3", "-", "+1", "1234567890123456", "  1", "1 ")]
    [InlineData("""{"type":"number"}""", ".5", "1.", "1e", "1e999", "NaN", "-")]
    [InlineData("""{"type":"integer","minimum":-3,"maximum":120}""", "-4", "121", "1000", "-10", "-0", "00")]
    [InlineData("""{"type":"number","minimum":0,"maximum":1}""", "-0.1", "1.1", "1.0000001", "2", "10")]
    [InlineData("""{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.25}""", "0", "0.0", "0.25", "0.3", "1")]
    [InlineData("""{"type":"number","minimum":-1.5}""", "-1.51", "-2", "-10")]
    [InlineData("""{"enum":["a","ab"]}""", "\"b\"", "\"abc\"", "\"\"", "\"\\u0061\"")]
    [InlineData("""{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":2}""", "[]", "[true,true,true]", "[1]", "[true", "[true,]")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"boolean"},{"type":"null"}]}""", "[null]", "[true,null,1]")]
    [InlineData(Person, "{}", "{\"age\":1,\"name\":\"x\"}", "{\"name\":\"x\",\"other\":1}", "{\"name\":\"x\",\"name\":\"y\"}", "{\"name\":\"x\",}", "{\"name\":\"x\"}}", "{  \"name\":\"x\"}", "{\"name\":\"x\"} ")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":{"type":"integer"}}""", "{\"a\":1}", "{\"\\u0061\":1}", "{\"b\":null}", "{\"b\":1,\"a\":1}")]
    [InlineData("""{"type":"object","properties":{"ä":{"type":"null"}},"additionalProperties":{"type":"integer"}}""", "{\"ä\":1}")]
    [InlineData("""{"type":"object","properties":{}}""", "{\"a\":1}", "[]")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}""", "{}")]
    [InlineData("""{"type":"string","pattern":"^a[b-d]+(x|yz){2}\\d?$"}""", "\"axx\"", "\"abx\"", "\"abxxx\"", "\"abxx77\"")]
    [InlineData("""{"type":"string","format":"date"}""", "\"2024-02-30\"", "\"2024-13-01\"", "\"2024-1-1\"")]
    public void Schema_RulesOutWhatDoesNot(string schema, params string[] texts)
    {
        foreach (var text in texts)
            Assert.False(Followed.Admits(Followed.Schema(schema), text), text);
    }

    [Theory]
    [InlineData("""{"type":"array","uniqueItems":true}""", "#/uniqueItems")]
    [InlineData("""{"not":{"type":"null"}}""", "#/not")]
    [InlineData("""{"properties":{"a":{"multipleOf":3}}}""", "#/properties/a/multipleOf")]
    [InlineData("""{"type":"object","patternProperties":{"a":{}}}""", "#/patternProperties")]
    [InlineData("""{"type":"object","minProperties":1}""", "#/minProperties")]
    [InlineData("""{"if":{}}""", "#/if")]
    [InlineData("""{"typ":"string"}""", "#/typ")]
    [InlineData("""{"type":"text"}""", "#/type")]
    [InlineData("""{"$ref":"https://example.org/a"}""", "#/$ref")]
    [InlineData("""{"$ref":"#/$defs/none"}""", "#/$ref")]
    [InlineData("""{"$ref":"#"}""", "#")]
    [InlineData("""{"anyOf":[{"$ref":"#"}]}""", "#")]
    [InlineData("""{"anyOf":[]}""", "#/anyOf")]
    [InlineData("""{"properties":{"a/b":3}}""", "#/properties/a~1b")]
    [InlineData("""{"type":"string","pattern":"(?=a)"}""", "#")]
    [InlineData("""{"type":"string","pattern":"a","maxLength":3}""", "#")]
    [InlineData("""{"minLength":-1}""", "#/minLength")]
    [InlineData("""{"maxItems":1e99}""", "#/maxItems")]
    [InlineData("""{"enum":[]}""", "#")]
    [InlineData("""{"type":"string","enum":[1]}""", "#")]
    [InlineData("false", "#")]
    [InlineData("3", "#")]
    [InlineData("""{"type":"integer","minimum":3,"maximum":2}""", "#")]
    [InlineData("""{"type":"object","properties":{"me":{"$ref":"#"}},"required":["me"]}""", "#")]
    [InlineData("""{"allOf":[{"properties":{"a":{}},"additionalProperties":false},{"properties":{"b":{}}}]}""", "#/allOf/1")]
    [InlineData("""{"type":"string","maxLength":900000}""", "#")]
    public void Schema_NotSupported_IsRefusedByItsPlace(string schema, string pointer)
    {
        var exception = Assert.Throws<JsonSchemaException>(() => Followed.Schema(schema));
        Assert.Equal(pointer, exception.Pointer);
        Assert.Contains(pointer, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_Limit_HoldsAndLeavesAWayOut()
    {
        var constraint = Followed.Schema("true", new() { MaxDepth = 3 });
        Assert.True(Followed.Admits(constraint, "[[[1]]]"));
        Assert.True(Followed.Admits(constraint, "[{\"a\":[]}]"));
        Assert.False(Followed.Admits(constraint, "[[[[]]]]"));
        var tree = """{"type":"object","properties":{"c":{"type":"array","items":{"$ref":"#"}}},"required":["c"]}""";
        // a node needs room for its list
        Assert.True(Followed.Admits(Followed.Schema(tree, new() { MaxDepth = 4 }), "{\"c\":[{\"c\":[]}]}"));
        Assert.False(Followed.Admits(Followed.Schema(tree, new() { MaxDepth = 3 }), "{\"c\":[{\"c\":[]}]}"));
        Assert.Throws<JsonSchemaException>(() => Followed.Schema(tree, new() { MaxDepth = 1 }));
    }

    [Fact]
    public void Spaces_NotAllowed_AreRuledOut()
    {
        var constraint = Followed.Schema("true", new() { AllowSpaces = false });
        Assert.True(Followed.Admits(constraint, "[1,2]"));
        Assert.False(Followed.Admits(constraint, "[1, 2]"));
    }

    [Fact]
    public void End_IsAllowedExactlyWhereTheValueIsWhole()
    {
        var state = Followed.Schema("""{"type":"integer"}""").Begin();
        Assert.DoesNotContain(Followed.End, Followed.Logits(state));
        state.Accept(Followed.Vocabulary.TokenToId("7")!.Value);
        Assert.Contains(Followed.End, Followed.Logits(state));
        Assert.False(state.IsComplete);   // digits may follow
        Assert.Throws<GenerationException>(() => state.Accept(Followed.Vocabulary.TokenToId("\"")!.Value));
        Assert.Throws<GenerationException>(() => state.Accept(Followed.End));
    }

    [Fact]
    public void Constraint_AskedForAgain_IsTheSame()
    {
        Assert.Same(Followed.Schema(Person), Followed.Schema(Person));
        Assert.NotSame(Followed.Schema(Person), Followed.Schema(Person, new() { AllowSpaces = false }));
    }

    [Fact]
    public void Object_Any_IsAnObject()
    {
        var constraint = JsonConstraint.ForAnyObject(Followed.Vocabulary);
        Assert.True(Followed.Admits(constraint, "{\"a\": [1, true]}"));
        Assert.False(Followed.Admits(constraint, "[]"));
    }

    [Fact]
    public void EndToken_ThatIsAnOrdinaryOne_EndsOnlyWhereTheValueIsWhole()
    {
        var comma = Followed.Vocabulary.TokenToId(",")!.Value;
        var state = Followed.Schema("""{"type":"string"}""").Begin();
        state.Accept(Followed.Vocabulary.TokenToId("\"")!.Value);
        var logits = new float[Followed.Vocabulary.Count];
        state.Restrict(logits, [comma]);
        Assert.Equal(float.NegativeInfinity, logits[comma]);
    }

    [Fact]
    public void Vocabulary_ThatCannotWriteJson_IsRefused() =>
        Assert.Throws<TokenizerException>(() => JsonConstraint.ForAnyObject(new Digits()));

    private sealed class Digits : Tokenizer
    {
        public override int Count => 10;

        public override int? BeginningOfSequenceId => null;

        public override int? EndOfSequenceId => null;

        public override int? PaddingId => null;

        public override int? UnknownId => null;

        public override int[] Encode(string text, bool addSpecialTokens = true) => [.. text.Select(letter => letter - '0')];

        public override string Decode(IEnumerable<int> ids, bool skipSpecialTokens = true) => string.Concat(ids);

        public override byte[] TokenBytes(int id) => [(byte)('0' + id)];

        public override int? TokenToId(string token) => token[0] - '0';

        public override string? IdToToken(int id) => $"{id}";

        public override bool IsSpecial(int id) => false;

        public override int AddToken(string token, bool special) => 0;
    }
}
