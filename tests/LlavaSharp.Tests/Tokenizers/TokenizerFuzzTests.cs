using System.Text;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Tests.Tokenizers;

public class TokenizerFuzzTests
{
    private const int Runs = 5000;
    private const string Sample = "The lamp 12, é 你好 😀\n</s> x<s>";

    private static readonly string[] Tokens =
    [
        "null", "true", "false", "-1", "0", "1e9", "4294967296", "\"\"", "[]", "{}", "\"\\ud800\"", "\"BPE\"", "\"Sequence\"", "\"Metaspace\"", "\"first\"", "\"Split\"",
        "\"(a+)+$\"", "\"Regex\"", "\"NFC\"", "\"\\u2581\"",
    ];

    [Fact]
    public void ModelFile_Mutated_RaisesOnlyTypedErrors()
    {
        var original = File.ReadAllBytes(TestFiles.Golden("tokenizer", "tokenizer.model"));
        var random = new Random(11);
        var loaded = 0;
        for (var run = 0; run < Runs; run++)
        {
            var bytes = MutateBytes(original, random);
            loaded += Try(bytes.Length, () => new SentencePieceTokenizer(SentencePieceModel.Parse(bytes, "tokenizer.model"), new TokenizerSettings { Legacy = run % 2 == 0 }));
        }
        Assert.InRange(loaded, 100, Runs - 100); // the mutations are neither all harmless nor all fatal
    }

    [Theory]
    [InlineData("llama-fast")]
    [InlineData("bpe")]
    public void JsonFile_Mutated_RaisesOnlyTypedErrors(string name)
    {
        // a smaller file makes hits in the structure likely
        var original = Shorten(File.ReadAllText(TestFiles.Golden("tokenizers", name, "tokenizer.json")));
        var random = new Random(12);
        var loaded = 0;
        for (var run = 0; run < Runs; run++)
        {
            var bytes = run % 2 == 0 ? MutateBytes(Encoding.UTF8.GetBytes(original), random) : Encoding.UTF8.GetBytes(MutateJson(original, random));
            loaded += Try(bytes.Length, () => JsonTokenizer.Parse(bytes, "tokenizer.json", new TokenizerSettings()));
        }
        Assert.InRange(loaded, 100, Runs - 100);
    }

    [Fact]
    public void SettingsFiles_Mutated_RaiseOnlyTypedErrors()
    {
        var model = SentencePieceModel.Load(TestFiles.Golden("tokenizer", "tokenizer.model")).WithoutDummyPrefix();
        var config = File.ReadAllText(TestFiles.Golden("tokenizers", "llama-fast", "tokenizer_config.json"));
        var map = File.ReadAllText(TestFiles.Golden("tokenizers", "bpe", "special_tokens_map.json"));
        var random = new Random(13);
        var loaded = 0;
        for (var run = 0; run < Runs; run++)
        {
            // without added_tokens_decoder the older files are read as well
            var files = new Dictionary<string, byte[]>
            {
                ["tokenizer_config.json"] = Encoding.UTF8.GetBytes(MutateJson(run % 2 == 0 ? config : config.Replace("added_tokens_decoder", "other", StringComparison.Ordinal), random)),
                ["special_tokens_map.json"] = Encoding.UTF8.GetBytes(MutateJson(map, random)),
                ["added_tokens.json"] = Encoding.UTF8.GetBytes(MutateJson("{\"<im_patch>\": 1024, \"[PAD]\": 1030}", random)),
            };
            loaded += Try(files.Values.Sum(bytes => bytes.Length), () => new SentencePieceTokenizer(model, TokenizerSettings.Read("", files.GetValueOrDefault)));
        }
        Assert.InRange(loaded, 100, Runs - 100);
    }

    private static int Try(int length, Func<Tokenizer> load)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Tokenizer tokenizer;
        try
        {
            tokenizer = load();
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (10L * length) + (64 << 20));
        }
        catch (LlavaException)
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (10L * length) + (64 << 20));
            return 0;
        }
        try
        {
            var ids = tokenizer.Encode(Sample);
            tokenizer.Decode(ids, skipSpecialTokens: false);
            tokenizer.Decode(ids);
        }
        catch (LlavaException)
        {
            // for instance an unknown token that the vocabulary lacks
        }
        return 1;
    }

    private static byte[] MutateBytes(byte[] original, Random random)
    {
        var bytes = original.ToList();
        for (var i = random.Next(1, 4); i > 0 && bytes.Count > 0; i--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at));
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)));
                    break;
                default:
                    bytes.InsertRange(at, new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0x0F });
                    break;
            }
        }
        return [.. bytes];
    }

    // replaces, drops or doubles whole JSON values, or swaps two of them
    private static string MutateJson(string json, Random random)
    {
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var values = Values(json);
            if (values.Count == 0)
                return json;
            var (start, length) = values[random.Next(values.Count)];
            var replacement = random.Next(3) == 0 ? json.Substring(start, Math.Min(length, random.Next(7))) : Tokens[random.Next(Tokens.Length)];
            if (random.Next(4) == 0)
            {
                var (otherStart, otherLength) = values[random.Next(values.Count)];
                replacement = json.Substring(otherStart, otherLength);
            }
            json = string.Concat(json.AsSpan(0, start), replacement, json.AsSpan(start + length));
        }
        return json;
    }

    private static List<(int Start, int Length)> Values(string json)
    {
        var values = new List<(int, int)>();
        for (var i = 0; i < json.Length; i++)
        {
            var start = i;
            if (json[i] == '"')
            {
                for (i++; i < json.Length && json[i] != '"'; i++)
                    if (json[i] == '\\')
                        i++;
                values.Add((start, Math.Min(i + 1, json.Length) - start));
            }
            else if (char.IsLetterOrDigit(json[i]))
            {
                while (i + 1 < json.Length && char.IsLetterOrDigit(json[i + 1]))
                    i++;
                values.Add((start, i + 1 - start));
            }
        }
        return values;
    }

    private static string Shorten(string json)
    {
        var root = System.Text.Json.Nodes.JsonNode.Parse(json)!;
        var vocabulary = root["model"]!["vocab"]!.AsObject();
        var merges = root["model"]!["merges"]!.AsArray();
        while (merges.Count > 20)
            merges.RemoveAt(20);
        foreach (var name in vocabulary.Where(entry => entry.Value!.GetValue<int>() > 300 && !merges.Any(merge => merge!.GetValue<string>().Replace(" ", "", StringComparison.Ordinal) == entry.Key
            || merge.GetValue<string>().Split(' ').Contains(entry.Key))).Select(entry => entry.Key).ToList())
            vocabulary.Remove(name);
        return root.ToJsonString();
    }
}
