using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Tokenizers;
using LlavaSharp.Tokenizers.Json;

namespace LlavaSharp.Tests.Tokenizers;

public class JsonTokenizerTests
{
    private const string Gpt4Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    [Theory]
    [InlineData("I'LL pay $1234.5 now\n\n ok", "I|'LL|\u0120pay|\u0120$|123|4|.|5|\u0120now|\u010a\u010a|\u0120ok")]
    [InlineData("\ud835\udcd0\ud835\udcd1 x\ud83d\ude00y", "\u00f0\u013f\u0135\u0132\u00f0\u013f\u0135\u0133|\u0120x|\u00f0\u0141\u013a\u0122y")]
    public void PreTokenizer_OfLlama3_CutsAsTheRegexSays(string text, string expected)
    {
        var file = $$"""
            {"type": "Sequence", "pretokenizers": [
              {"type": "Split", "pattern": {"Regex": {{JsonValue.Create(Gpt4Pattern).ToJsonString()}}}, "behavior": "Isolated", "invert": false},
              {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]}
            """;

        Assert.Equal(expected, Cut(file, text));
    }

    [Theory]
    [InlineData(" 42 a", "\u0120|4|2|\u0120a")]
    [InlineData("x\u00bd\u0663\u2177\u00b2", "x|\u00c2\u00bd|\u00d9\u00a3|\u00e2\u0127\u00b7|\u00c2\u00b2")]
    public void PreTokenizer_OfSmolLm2_LeavesEachDigitAlone(string text, string expected)
    {
        const string File = """
            {"type": "Sequence", "pretokenizers": [
              {"type": "Digits", "individual_digits": true},
              {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}]}
            """;

        Assert.Equal(expected, Cut(File, text));
    }

    [Theory]
    [InlineData("Removed", "a|b||c")]
    [InlineData("Isolated", "a|-|b|-|-|c")]
    [InlineData("MergedWithPrevious", "a-|b-|-|c")]
    [InlineData("MergedWithNext", "a|-b|-|-c")]
    [InlineData("Contiguous", "a|-|b|--|c")]
    public void Split_ByItsBehavior_KeepsTheDelimiterWhereItBelongs(string behavior, string expected)
    {
        var file = $$"""{"type": "Split", "pattern": {"String": "-"}, "behavior": "{{behavior}}", "invert": false}""";

        Assert.Equal(expected.Replace("||", "|", StringComparison.Ordinal), Cut(file, "a-b--c"));
    }

    [Theory]
    [InlineData("always", "a b", "\u2581a|\u2581b")]
    [InlineData("first", "a b", "\u2581a|\u2581b")]
    [InlineData("never", "a b", "a|\u2581b")]
    [InlineData("always", " a", "\u2581a")]
    public void Metaspace_ByItsScheme_PutsTheSpaceInFront(string scheme, string text, string expected) =>
        Assert.Equal(expected, Cut($$"""{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "{{scheme}}", "split": true}""", text));

    [Fact]
    public void Metaspace_First_PutsNoSpaceAfterAnAddedToken()
    {
        var first = Parse("""{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": false}""");
        var always = Parse("""{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": false}""");

        Assert.Equal("\u2581|a|<x>|b", Pieces(first, "a<x>b"));
        Assert.Equal("<x>|b", Pieces(first, "<x>b"));
        Assert.Equal("\u2581|a|<x>|\u2581|b", Pieces(always, "a<x>b"));
    }

    [Theory]
    [InlineData("\"lstrip\": true", "a  <x>  b", "a|<x>|\u0120|\u0120|b")]
    [InlineData("\"rstrip\": true", "a  <x>  b", "a|\u0120|\u0120|<x>|b")]
    [InlineData("\"single_word\": true", "a<x> <x> b", "a|<|x|>|\u0120|<x>|\u0120|b")]
    public void AddedToken_ByItsFlags_IsFoundAsTheFileSays(string flags, string text, string expected)
    {
        var tokenizer = Parse("""{"type": "ByteLevel", "add_prefix_space": false}""", added: $$"""[{"id": 50, "content": "<x>", "special": true, {{flags}}}]""");

        Assert.Equal(expected, Pieces(tokenizer, text));
    }

    [Fact]
    public void AddedToken_Normalized_IsFoundInTheNormalizedText()
    {
        var tokenizer = Parse("null", normalizer: """{"type": "Lowercase"}""", added: """[{"id": 50, "content": "AB", "special": false, "normalized": true}]""");

        Assert.Equal([50, 2], tokenizer.Encode("aBc"));
    }

    [Fact]
    public void IgnoreMerges_WithAWholeWordInTheVocabulary_TakesIt()
    {
        const string Model = """{"type": "BPE", "ignore_merges": IGNORE, "vocab": {"a": 0, "b": 1, "ab": 2, "c": 3, "abc": 4}, "merges": [["a", "b"]]}""";

        Assert.Equal([4], ParseModel(Model.Replace("IGNORE", "true", StringComparison.Ordinal)).Encode("abc"));
        Assert.Equal([2, 3], ParseModel(Model.Replace("IGNORE", "false", StringComparison.Ordinal)).Encode("abc"));
    }

    [Theory]
    [InlineData("true", new[] { 1, 0, 1 })]
    [InlineData("false", new[] { 1, 1, 0, 1 })]
    public void UnknownCharacters_AreFusedWhenTheFileSaysSo(string fuse, int[] expected) =>
        Assert.Equal(expected, ParseModel($$"""{"type": "BPE", "unk_token": "?", "fuse_unk": {{fuse}}, "vocab": {"a": 0, "?": 1}, "merges": []}""").Encode("xyaz"));

    [Theory]
    [InlineData("normalizer", "Bert")]
    [InlineData("pre_tokenizer", "UnicodeScripts")]
    [InlineData("post_processor", "Other")]
    [InlineData("decoder", "WordPiece")]
    [InlineData("model", "Unigram")]
    public void Component_OfUnknownType_IsNamedInTheError(string component, string type)
    {
        var root = JsonNode.Parse(File.ReadAllText(TestFiles.Golden("tokenizers", "bpe", "tokenizer.json")))!;
        root[component] = new JsonObject { ["type"] = type };

        var exception = Assert.Throws<TokenizerException>(() => JsonTokenizer.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()), "some/tokenizer.json", new TokenizerSettings()));

        Assert.Contains(type, exception.Message, StringComparison.Ordinal);
        Assert.Equal("some/tokenizer.json", exception.File);
    }

    [Fact]
    public void Decode_OfIdsBeyondTheVocabulary_LeavesThemOut()
    {
        var tokenizer = TokenizerLoader.Load(TestFiles.Golden("tokenizers", "llama-fast"), TokenizerKind.Fast);

        Assert.Equal(tokenizer.Decode([271, 658, 270]), tokenizer.Decode([271, 5000, 658, 270]));
        Assert.Throws<TokenizerException>(() => tokenizer.Decode([-200]));
    }

    [Theory]
    [InlineData("e\u0301", "\u00e9")]
    [InlineData("\u1e9b\u0323", "\u1e9b\u0323")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307")]
    [InlineData("\u1100\u1161\u11a8\uac00\u11a8", "\uac01\uac01")]
    [InlineData("\u212b\u2126", "\u00c5\u03a9")]
    [InlineData("\u0958", "\u0915\u093c")] // a composition that Unicode excludes
    [InlineData("a\u0315\u0300\u05ae\u0300b", "\u00e0\u05ae\u0300\u0315b")]
    public void Nfc_OfTextFromTheStandard_IsComposed(string text, string expected)
    {
        Assert.Equal(expected, UnicodeComposition.Compose(text));
        Assert.Equal(expected, UnicodeComposition.Compose(UnicodeComposition.Decompose(text)));
    }

    private static string Cut(string preTokenizer, string text) =>
        string.Join('|', PreTokenizer.Read(JsonReading.ParseObject(Encoding.UTF8.GetBytes(preTokenizer), "test"), "test")(new TextPart(text, true)).Select(part => part.Text));

    private static string Pieces(Tokenizer tokenizer, string text) => string.Join('|', tokenizer.Encode(text).Select(tokenizer.IdToToken));

    private static JsonTokenizer Parse(string preTokenizer, string normalizer = "null", string added = """[{"id": 50, "content": "<x>", "special": true}]""") => ParseJson($$$"""
        {"added_tokens": {{{added}}}, "normalizer": {{{normalizer}}}, "pre_tokenizer": {{{preTokenizer}}},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "<": 3, "x": 4, ">": 5, "\u0120": 6, "\u2581": 7}, "merges": []} }
        """);

    private static JsonTokenizer ParseModel(string model) => ParseJson("{\"model\": " + model + "}");

    private static JsonTokenizer ParseJson(string json) => JsonTokenizer.Parse(Encoding.UTF8.GetBytes(json), "test", new TokenizerSettings());
}
