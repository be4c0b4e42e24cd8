using System.Text;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Tests.Tokenizers;

public class TokenBytesTests
{
    public static TheoryData<string, TokenizerKind> Vocabularies => new()
    {
        { TestFiles.Golden("tokenizer"), TokenizerKind.Slow },
        { TestFiles.Golden("tokenizer"), TokenizerKind.Fast },
        { TestFiles.Golden("tokenizers", "llama-legacy"), TokenizerKind.Slow },
        { TestFiles.Golden("tokenizers", "llama-words"), TokenizerKind.Slow },
        { TestFiles.Golden("tokenizers", "llama-fast"), TokenizerKind.Fast },
        { TestFiles.Golden("tokenizers", "bpe"), TokenizerKind.Fast },
        { TestFiles.Golden("checkpoints", "llava-v1.5-tiny"), TokenizerKind.Auto },
        { TestFiles.Golden("llava-hf", "llava15-llama-tf437"), TokenizerKind.Fast },
        { TestFiles.Golden("llava-hf", "llava-next-llama-newlayout"), TokenizerKind.Fast },
        { EmbeddedModel.Find(), TokenizerKind.Auto },
    };

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void TokenBytes_OneBehindTheOther_AreTheDecodedText(string folder, TokenizerKind kind)
    {
        var tokenizer = TokenizerLoader.Load(folder, kind);
        var random = new Random(7);
        int[] written = [.. Enumerable.Range(0, tokenizer.Count).Where(id => tokenizer.TokenBytes(id) is not null)];
        Assert.True(written.Length > tokenizer.Count * 0.9);
        var compared = 0;
        for (var i = 0; i < 3000; i++)
        {
            // what was encoded, and any tokens in any order
            int[] ids = i % 2 == 0
                ? [.. tokenizer.Encode(RandomText.Next(random, random.Next(1, 30)), addSpecialTokens: false).Where(id => tokenizer.TokenBytes(id) is not null)]
                : [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => written[random.Next(written.Length)])];
            byte[] bytes = [.. ids.SelectMany(id => tokenizer.TokenBytes(id)!)];
            var text = Encoding.UTF8.GetString(bytes);
            if (!bytes.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(text)))
                continue;   // half a character
            compared++;
            Assert.Equal(text.TrimStart(' '), tokenizer.Decode(ids, skipSpecialTokens: true, cleanUpSpaces: false).TrimStart(' '));
        }
        Assert.True(compared > 1500, $"{compared} were compared");
    }

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void StreamingDecoder_ThatKeepsSpaces_GivesTheTokensOwnText(string folder, TokenizerKind kind)
    {
        var tokenizer = TokenizerLoader.Load(folder, kind);
        foreach (var text in new[] { "{\"a\": \"x , y . do n't ' s\"}", "wait ! what ?\nyes , no" })
        {
            var ids = tokenizer.Encode(text, addSpecialTokens: false);
            var stream = new StreamingDecoder(tokenizer) { KeepsSpaces = true };
            var said = string.Concat(ids.Select(stream.Put)) + stream.End();
            Assert.Equal(Encoding.UTF8.GetString([.. ids.SelectMany(id => tokenizer.TokenBytes(id) ?? [])]).TrimStart(' '), said.TrimStart(' '));
        }
    }

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void TokenBytes_SpecialAndSpareIds_AreNone(string folder, TokenizerKind kind)
    {
        var tokenizer = TokenizerLoader.Load(folder, kind);
        Assert.Null(tokenizer.TokenBytes(tokenizer.EndOfSequenceId!.Value));
        Assert.Null(tokenizer.TokenBytes(tokenizer.Count + 100));
        Assert.Null(tokenizer.TokenBytes(-1));
        tokenizer.AddToken("<mark>", special: true);
        Assert.Null(tokenizer.TokenBytes(tokenizer.TokenToId("<mark>")!.Value));
    }
}
