using System.Text.Json;
using LlavaSharp.Prompts;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Parity.Areas;

/// <summary>Ids and decoded text, streaming, and the split at image markers; all exact.</summary>
public sealed class TokenizersArea : IParityArea
{
    private const string NoSpecial = "_no_special";

    public string Name => "tokenizers";

    public void Check(AreaRun run)
    {
        if (!run.Has("names.json"))
            return; // then every other file is reported as unknown
        var names = run.Json("names.json");
        var tokenizers = new GoldenTokenizers(run.Root);
        // the folders hold tokenizers, which are input
        foreach (var folder in Directory.GetDirectories(run.Folder))
            run.UseAll(Path.GetFileName(folder));
        foreach (var property in names.EnumerateObject().Where(property => property.Value.ValueKind == JsonValueKind.Object))
            run.Case($"names.json:{property.Name}", c => CheckName(c, tokenizers, property.Name));

        foreach (var path in Directory.EnumerateFiles(run.Folder, "*.jsonl").Order(StringComparer.Ordinal))
        {
            var file = Path.GetFileName(path);
            Action<Comparison, JsonElement>? check = file switch
            {
                "stream.jsonl" => (c, row) => CheckStream(c, row, tokenizers),
                "image_token.jsonl" => (c, row) => CheckImageToken(c, row, tokenizers),
                _ when file.StartsWith("encode.", StringComparison.Ordinal) => (c, row) => CheckEncode(c, row, tokenizers),
                _ when file.StartsWith("decode.", StringComparison.Ordinal) => (c, row) => CheckDecode(c, row, tokenizers),
                _ => null,
            };
            if (check is null)
                continue;
            foreach (var (line, row) in run.Rows(file))
                run.Case($"{file}:{line}", c => check(c, row));
        }
    }

    private static void CheckName(Comparison c, GoldenTokenizers tokenizers, string name)
    {
        c.Fields(tokenizers.Description(name), "folder", "kind", "added_tokens");
        var added = tokenizers.Description(name).GetProperty("added_tokens").EnumerateArray().ToList();
        var tokenizer = tokenizers[name];
        for (var i = 0; i < added.Count; i++)
        {
            c.Fields(added[i], "content", "special");
            var id = tokenizer.Count - added.Count + i; // "with ids from the vocabulary's end"
            var content = added[i].GetProperty("content").GetString()!;
            c.Equal($"id of '{content}'", id, tokenizer.TokenToId(content));
            c.Equal($"token of {id}", content, tokenizer.IdToToken(id));
            c.Equal($"'{content}' is special", added[i].GetProperty("special").GetBoolean(), tokenizer.IsSpecial(id));
        }
    }

    private static void CheckEncode(Comparison c, JsonElement row, GoldenTokenizers tokenizers)
    {
        var text = row.GetProperty("text").GetString()!;
        foreach (var property in Fields(row, "text"))
        {
            var name = property.Name;
            if (!tokenizers.Knows(name) && name.EndsWith(NoSpecial, StringComparison.Ordinal) && tokenizers.Knows(name[..^NoSpecial.Length]))
                continue; // checked with its tokenizer
            if (!Knows(c, tokenizers, name))
                continue;
            var tokenizer = tokenizers[name];
            var ids = Ids(property.Value);
            c.Sequence(name, ids, tokenizer.Encode(text));
            var begins = tokenizer.Encode("").Length > 0;
            var plain = row.TryGetProperty(name + NoSpecial, out var given) ? Ids(given) : begins ? ids[1..] : ids;
            c.Sequence(name + NoSpecial, plain, tokenizer.Encode(text, addSpecialTokens: false));
        }
    }

    private static void CheckDecode(Comparison c, JsonElement row, GoldenTokenizers tokenizers)
    {
        var ids = Ids(row.GetProperty("ids"));
        if (row.TryGetProperty("tokenizer", out var single))
        {
            c.Fields(row, "ids", "tokenizer", "skip", "keep", "skip_no_cleanup");
            CheckDecoded(c, single.GetString()!, ids, row, tokenizers);
            return;
        }
        foreach (var property in Fields(row, "ids"))
        {
            c.Fields(property.Value, "skip", "keep", "skip_no_cleanup");
            CheckDecoded(c, property.Name, ids, property.Value, tokenizers);
        }
    }

    private static void CheckDecoded(Comparison c, string name, int[] ids, JsonElement expected, GoldenTokenizers tokenizers)
    {
        if (!Knows(c, tokenizers, name))
            return;
        var tokenizer = tokenizers[name];
        if (expected.TryGetProperty("skip", out var skip))
            c.Equal($"{name} skip", skip.GetString(), tokenizer.Decode(ids, skipSpecialTokens: true));
        if (expected.TryGetProperty("keep", out var keep))
            c.Equal($"{name} keep", keep.GetString(), tokenizer.Decode(ids, skipSpecialTokens: false));
        if (expected.TryGetProperty("skip_no_cleanup", out var plain))
            c.Equal($"{name} skip_no_cleanup", plain.GetString(), ((JsonTokenizer)tokenizer).Decode(ids, skipSpecialTokens: true, cleanUpSpaces: false));
    }

    private static void CheckStream(Comparison c, JsonElement row, GoldenTokenizers tokenizers)
    {
        c.Fields(row, "tokenizer", "ids", "pieces", "end");
        var name = row.GetProperty("tokenizer").GetString()!;
        if (!Knows(c, tokenizers, name))
            return;
        var stream = new StreamingDecoder(tokenizers[name]);
        c.Sequence("pieces", row.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetString()!), Ids(row.GetProperty("ids")).Select(stream.Put));
        c.Equal("end", row.GetProperty("end").GetString(), stream.End());
    }

    private static void CheckImageToken(Comparison c, JsonElement row, GoldenTokenizers tokenizers)
    {
        var prompt = row.GetProperty("prompt").GetString()!;
        var index = row.TryGetProperty("image_token_index", out var given) ? given.GetInt32() : LlavaConstants.ImageTokenIndex;
        foreach (var property in Fields(row, "prompt", "image_token_index"))
            if (Knows(c, tokenizers, property.Name))
                c.Sequence(property.Name, Ids(property.Value), ImageTokenSplitter.Encode(prompt, tokenizers[property.Name], index));
    }

    private static IEnumerable<JsonProperty> Fields(JsonElement row, params string[] inputs) =>
        row.EnumerateObject().Where(property => !inputs.Contains(property.Name) && !Comparison.IsInformation(property.Name));

    private static bool Knows(Comparison c, GoldenTokenizers tokenizers, string name)
    {
        if (tokenizers.Knows(name))
            return true;
        c.Fail($"no check knows the field or tokenizer '{name}'");
        return false;
    }

    private static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];
}
