using LlavaSharp.Prompts;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Tests.Tokenizers;

public class SentencePieceTokenizerTests
{
    [Fact]
    public void Load_WithoutLegacyInTheConfig_IsLegacy()
    {
        using var folder = new TemporaryFolder();
        File.Copy(TestFiles.Golden("tokenizer", "tokenizer.model"), folder.File("tokenizer.model"));

        var tokenizer = TokenizerLoader.Load(folder.Path);

        Assert.Equal(true, tokenizer.Legacy);
        Assert.Equal([1, 2, 915, 289], tokenizer.Encode("</s> b"));
        Assert.Null(tokenizer.PaddingId);
    }

    [Fact]
    public void Load_WithOlderFiles_TakesAddedAndSpecialTokensFromThem()
    {
        using var folder = new TemporaryFolder();
        File.Copy(TestFiles.Golden("tokenizer", "tokenizer.model"), folder.File("tokenizer.model"));
        File.WriteAllText(folder.File("added_tokens.json"), """{"<pad>": 1025, "<im_patch>": 1024, "plain": 1026}""");
        File.WriteAllText(folder.File("special_tokens_map.json"), """{"pad_token": "<pad>", "additional_special_tokens": ["<im_patch>"], "bos_token": {"content": "<s>"}}""");

        var tokenizer = TokenizerLoader.Load(folder.Path);

        Assert.Equal(1027, tokenizer.Count);
        Assert.Equal(1025, tokenizer.PaddingId);
        Assert.Equal([1, 1024, 1025, 1026], tokenizer.Encode("<im_patch><pad>plain"));
        // a named special token stands in its run without spaces, the others are set apart by them
        Assert.Equal("<s> <im_patch> <pad> plain", tokenizer.Decode([1, 1024, 1025, 1026], skipSpecialTokens: false));
        Assert.Equal("plain", tokenizer.Decode([1, 1024, 1025, 1026]));
        Assert.True(tokenizer.IsSpecial(1024));
        Assert.False(tokenizer.IsSpecial(1026));
    }

    [Fact]
    public void AddToken_KnownOrNew_TellsWhetherItWasAdded()
    {
        var tokenizer = TokenizerLoader.Load(TestFiles.Golden("tokenizer"));

        Assert.Equal(1, tokenizer.AddToken("<im_patch>", special: true));
        Assert.Equal(0, tokenizer.AddToken("<im_patch>", special: true));
        Assert.Equal(0, tokenizer.AddToken("</s>", special: true));
        Assert.Equal(0, tokenizer.AddToken("", special: true));
        Assert.Equal((1025, 1024), (tokenizer.Count, tokenizer.TokenToId("<im_patch>")));
        Assert.Equal([1, 1024], tokenizer.Encode("<im_patch>"));
    }

    [Theory]
    [InlineData(-200)]
    [InlineData(1024)]
    public void Decode_OfAnIdOutside_Throws(int id)
    {
        var exception = Assert.Throws<TokenizerException>(() => TokenizerLoader.Load(TestFiles.Golden("tokenizer")).Decode([1, id]));

        Assert.Contains(id.ToString(System.Globalization.CultureInfo.InvariantCulture), exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TokenizerKind.Auto, "'tokenizer.model' or 'tokenizer.json'")]
    [InlineData(TokenizerKind.Slow, "'tokenizer.model'")]
    [InlineData(TokenizerKind.Fast, "'tokenizer.model' or 'tokenizer.json'")]
    public void Load_OfAFolderWithoutTokenizer_SaysWhatWasLookedFor(TokenizerKind kind, string sought)
    {
        using var folder = new TemporaryFolder();

        var exception = Assert.Throws<TokenizerException>(() => TokenizerLoader.Load(folder.Path, kind));

        Assert.Contains(sought, exception.Message, StringComparison.Ordinal);
        Assert.Contains(folder.Path, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unigram_Model_TakesTheBestSumOfScores()
    {
        SentencePiece[] pieces =
        [
            new("<unk>", 0, SentencePieceType.Unknown), new("\u2581", -2, SentencePieceType.Normal), new("a", -1, SentencePieceType.Normal), new("ab", -1.5f, SentencePieceType.Normal),
            new("b", -3, SentencePieceType.Normal), new("\u2581ab", -5, SentencePieceType.Normal), new("bc", -0.5f, SentencePieceType.Normal), new("<u>", 0, SentencePieceType.UserDefined),
        ];
        var tokenizer = new SentencePieceTokenizer(
            new SentencePieceModel(pieces, SentencePieceAlgorithm.Unigram, byteFallback: false, "test"), new TokenizerSettings { AddBeginning = false });

        Assert.Equal([1, 3], tokenizer.Encode("ab"));
        Assert.Equal([1, 2, 6], tokenizer.Encode("abc"));
        Assert.Equal([1, 2, 0, 2], tokenizer.Encode("axyza")); // one unknown id for the whole run
        Assert.Equal([1, 2, 7, 4], tokenizer.Encode("a<u>b"));
    }

    [Fact]
    public void Bpe_UnusedPiece_IsAStepButNoResult()
    {
        SentencePiece[] pieces =
        [
            new("<unk>", 0, SentencePieceType.Unknown), new("a", -5, SentencePieceType.Normal), new("b", -6, SentencePieceType.Normal), new("c", -7, SentencePieceType.Normal),
            new("ab", -1, SentencePieceType.Unused), new("abc", -2, SentencePieceType.Normal), new("\u2581", -8, SentencePieceType.Normal), new("bb", -3, SentencePieceType.UserDefined),
        ];
        var tokenizer = new SentencePieceTokenizer(
            new SentencePieceModel(pieces, SentencePieceAlgorithm.Bpe, byteFallback: false, "test"), new TokenizerSettings { AddBeginning = false });

        Assert.Equal([6, 5], tokenizer.Encode("abc"));
        Assert.Equal([6, 1, 2], tokenizer.Encode("ab"));
        Assert.Equal([6, 1, 7, 3], tokenizer.Encode("abbc")); // user-defined pieces are found first and stay whole
    }

    [Fact]
    public void ImageTokenSplitter_WithTwoPictures_PutsOneIdForEach()
    {
        var tokenizer = TokenizerLoader.Load(TestFiles.Golden("tokenizer"));

        Assert.Equal([1, -200, -200, 915, 13], ImageTokenSplitter.Encode("<image><image>\n", tokenizer));
        Assert.Equal([1, 263, 7, 289], ImageTokenSplitter.Encode("a<image>b", tokenizer, imageTokenIndex: 7));
    }
}
