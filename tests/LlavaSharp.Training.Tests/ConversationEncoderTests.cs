using System.Text.Json;
using LlavaSharp.Tests;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Training.Tests;

public class ConversationEncoderTests
{
    private static readonly Dictionary<string, Tokenizer> Tokenizers = new(StringComparer.Ordinal);

    public static TheoryData<int> Rows => [.. Enumerable.Range(0, Read("preprocess.jsonl").Count)];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Encode_RowOfTheOriginal_SameIdsAndLabels(int number)
    {
        var row = Read("preprocess.jsonl")[number];
        var hasImage = row.GetProperty("has_image").GetBoolean();
        var encoder = new ConversationEncoder(
            LoadTokenizer(row.GetProperty("tokenizer").GetString()!), row.GetProperty("version").GetString()!, row.GetProperty("model_max_length").GetInt32(),
            hasImage && row.TryGetProperty("mm_use_im_start_end", out var tokens) && tokens.GetBoolean());
        var conversations = row.GetProperty("conversations").EnumerateArray().Select(Turns).ToList();
        if (row.TryGetProperty("error", out var error))
        {
            // an error of ours, or (where the original stumbles over a missing attribute) a sensible result
            if (error.GetProperty("type").GetString() != "AttributeError")
                Assert.Throws<TrainingException>(() => conversations.ForEach(turns => encoder.Encode(turns, hasImage)));
            return;
        }
        var warned = new List<string>();
        foreach (var (turns, item) in conversations.Zip(row.GetProperty("items").EnumerateArray()))
        {
            var encoded = encoder.Encode(turns, hasImage);
            var ids = item.GetProperty("input_ids").EnumerateArray().Select(v => v.GetInt32()).ToArray();
            // several conversations at once are padded behind their end
            Assert.Equal(ids, encoded.Ids.Concat(Enumerable.Repeat(0, ids.Length - encoded.Ids.Length)));
            var labels = Enumerable.Repeat(-100L, encoded.Ids.Length).ToArray();
            foreach (var range in item.GetProperty("trained").EnumerateArray())
            {
                for (var i = range[0].GetInt32(); i < range[1].GetInt32(); i++)
                    labels[i] = encoded.Ids[i];
            }
            Assert.Equal(labels, encoded.Labels);
            if (encoded.Mismatch is { } lengths)
                warned.Add($"WARNING: tokenization mismatch: {lengths.Rounds} vs. {lengths.Total}. (ignored)");
        }
        Assert.Equal(row.TryGetProperty("printed", out var printed) ? [.. printed.EnumerateArray().Select(p => p.GetString()!)] : [], warned);
    }

    [Fact]
    public void MoveMarker_TurnsOfTheOriginal_SameTexts()
    {
        var checkedRows = 0;
        foreach (var row in Read("multimodal.jsonl").Where(r => r.GetProperty("is_multimodal").GetBoolean() && r.GetProperty("version").GetString() is "v1" or "plain" or "v1_mmtag"))
        {
            if (!row.GetProperty("is_multimodal").GetBoolean())
                continue;
            var encoder = new ConversationEncoder(LoadTokenizer("llama"), row.GetProperty("version").GetString()!, 2048, row.GetProperty("mm_use_im_start_end").GetBoolean());
            foreach (var (input, output) in row.GetProperty("input").EnumerateArray().Zip(row.GetProperty("output").EnumerateArray()))
                Assert.Equal(output.GetString(), encoder.MoveMarker(input.GetString()!));
            checkedRows++;
        }
        Assert.NotEqual(0, checkedRows);
    }

    [Fact]
    public void Create_FormatOfALaterStep_NamesTheKnownOnes()
    {
        var error = Assert.Throws<UnknownNameException>(() => new ConversationEncoder(LoadTokenizer("llama"), "mpt"));
        Assert.Contains("plain", error.Known);
    }

    [Theory]
    [InlineData("v0", "vicuna_v1")]
    [InlineData("v0.5", "vicuna_v1")]
    [InlineData("plain", "plain")]
    [InlineData("llava_v1", "llava_v1")]
    public void FormatOfVersion_Version_IsTheOriginals(string version, string format) => Assert.Equal(format, ConversationEncoder.FormatOfVersion(version));

    [Fact]
    public void FormatOfVersion_UnknownName_NamesTheNearest()
    {
        var error = Assert.Throws<UnknownNameException>(() => ConversationEncoder.FormatOfVersion("vicnua_v1"));
        Assert.Equal("vicuna_v1", error.Nearest);
        Assert.Contains("v0.5", error.Known);
    }

    [Fact]
    public void Encode_UnknownSpeaker_Throws() =>
        Assert.Throws<TrainingException>(() => new ConversationEncoder(LoadTokenizer("llama"), "v1").Encode([new("human", "a"), new("robot", "b")], hasImage: false));

    private static List<ConversationTurn> Turns(JsonElement conversation) =>
        [.. conversation.EnumerateArray().Select(turn => new ConversationTurn(turn.GetProperty("from").GetString()!, turn.GetProperty("value").GetString()!))];

    private static Tokenizer LoadTokenizer(string name)
    {
        lock (Tokenizers)
        {
            if (!Tokenizers.TryGetValue(name, out var tokenizer))
                Tokenizers[name] = tokenizer = TokenizerLoader.Load(name == "llama" ? TestFiles.Golden("tokenizer") : TestFiles.Golden("tokenizers", name));
            return tokenizer;
        }
    }

    private static List<JsonElement> Read(string file) => [.. File.ReadLines(TestFiles.Golden("labels", file)).Select(line => JsonDocument.Parse(line).RootElement)];
}
