using System.Diagnostics;
using LlavaSharp.Data.Tokenizers;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Tests.Tokenizers;

public class SentencePieceTrainerTests
{
    private static readonly string[] Words =
        ["the", "red", "circle", "square", "is", "left", "of", "above", "How", "many", "What", "colour", "There", "are", "12", "3", "图片里有", "什么", "blue", "small", "triangle"];

    [Fact]
    public void TrainTo_ThenLoaded_EncodesAndDecodesRoundTrip()
    {
        using var folder = new TemporaryFolder();

        var tokenizer = SentencePieceTrainer.TrainTo(folder.Path, Texts(2000), new SentencePieceTrainerOptions { VocabularySize = 350 });

        Assert.Equal(350, tokenizer.Count);
        Assert.Equal(false, tokenizer.Legacy);
        Assert.Equal((1, 2, 0, 0), (tokenizer.BeginningOfSequenceId, tokenizer.EndOfSequenceId, tokenizer.UnknownId, tokenizer.PaddingId));
        Assert.Equal("<0x0A>", tokenizer.IdToToken(13));
        foreach (var text in Texts(200).Append("  never seen: Ünïcode 😀\n\ttabs ").Append(""))
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        var random = new Random(5);
        for (var i = 0; i < 500; i++)
        {
            var text = RandomText.Next(random, 12);
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        }
        Assert.Equal(["<s>", "\u2581the", "\u2581red", "\u2581circle"], tokenizer.Encode("the red circle").Select(tokenizer.IdToToken));
        var fast = TokenizerLoader.Load(folder.Path, TokenizerKind.Fast);
        Assert.Equal(tokenizer.Encode("What colour is the circle?"), fast.Encode("What colour is the circle?"));
    }

    [Fact]
    public void Train_WithTheSameTexts_GivesTheSameBytes()
    {
        var first = SentencePieceTrainer.Train(Texts(500), new SentencePieceTrainerOptions { VocabularySize = 400 });
        var second = SentencePieceTrainer.Train(Texts(500), new SentencePieceTrainerOptions { VocabularySize = 400 });

        Assert.Equal(first, second);
    }

    [Fact]
    public void Train_OnAwkwardRepetitions_NeverWritesAPieceTwice()
    {
        var random = new Random(6);
        for (var i = 0; i < 200; i++)
        {
            // few letters make the same piece come about in many ways
            var texts = Enumerable.Range(0, 30).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 25)).Select(_ => "abc "[random.Next(4)]))).ToList();
            var model = SentencePieceModel.Parse(SentencePieceTrainer.Train(texts), "trained");
            Assert.True(model.Pieces.Count > 262);
        }
    }

    [Fact]
    public void Train_WithTooSmallAVocabulary_SaysTheLeastSize()
    {
        var exception = Assert.Throws<LlavaException>(() => SentencePieceTrainer.Train(["ab"], new SentencePieceTrainerOptions { VocabularySize = 260 }));

        Assert.Contains("at least 262", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_OnMegabytes_TakesSeconds()
    {
        var watch = Stopwatch.StartNew();
        SentencePieceTrainer.Train(Texts(60_000));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"took {watch.Elapsed}");
    }

    private static IEnumerable<string> Texts(int count)
    {
        var random = new Random(7);
        for (var i = 0; i < count; i++)
            yield return string.Join(' ', Enumerable.Range(0, random.Next(3, 12)).Select(_ => Words[random.Next(Words.Length)])) + "?.!"[random.Next(3)];
    }
}
