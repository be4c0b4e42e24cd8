using System.Text.Json;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Imaging;

public class AnyResolutionTests
{
    private static readonly (int, int)[] s_pinpoints = [(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)];

    [Theory]
    [InlineData(640, 480, 2, 2, 36, 48, 2340)]
    [InlineData(1000, 300, 3, 1, 22, 72, 2182)]
    [InlineData(100, 100, 1, 2, 24, 24, 1176)]
    [InlineData(50, 700, 1, 3, 72, 6, 1080)]
    public void Counts_PublishedPinpoints_AreTheOriginals(int width, int height, int columns, int rows, int keptRows, int keptColumns, int tokens)
    {
        Assert.Equal((columns, rows), AnyResolution.GridShape((width, height), s_pinpoints, 336));
        var kept = AnyResolution.Unpad(rows * 24, columns * 24, (width, height));
        Assert.Equal((keptRows, keptColumns), (kept.Rows, kept.Columns));
        Assert.Equal(tokens, AnyResolution.CountTokens((width, height), s_pinpoints, 336, 24));
    }

    [Fact]
    public void SelectBest_EveryAreaIsZero_TheSmallestCandidateWins() =>
        Assert.Equal((336, 672), AnyResolution.SelectBest((100_000, 1), s_pinpoints));

    [Fact]
    public void SelectBest_NoCandidates_IsATypedError() => Assert.Throws<ImageException>(() => AnyResolution.SelectBest((1, 1), []));

    [Fact]
    public void DivideToTiles_CanvasIsNoMultiple_TheRestIsBlack()
    {
        var tiles = AnyResolution.DivideToTiles(PictureFiles.Random(1, 5, 3), 4);
        Assert.Equal(2, tiles.Count);
        Assert.All(tiles, tile => Assert.Equal((4, 4), tile.Size));
        Assert.Equal(new byte[12], tiles[0].Rgb[^12..].ToArray());
        Assert.Equal(new byte[9], tiles[1].Rgb.Slice(3, 9).ToArray());
    }

    [Theory]
    [InlineData("[[336, 672], [672, 336]]")]
    [InlineData("[(336,672),(672,336)]")]
    [InlineData(" ( [336 ,672, ], (672, 336) , ) ")]
    public void ParsePinpoints_PythonText_IsRead(string text) =>
        Assert.Equal([(336, 672), (672, 336)], AnyResolution.ParsePinpoints(JsonSerializer.SerializeToElement(text)));

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("[[336]]")]
    [InlineData("[[336, 672)]")]
    [InlineData("[[336, -672]]")]
    [InlineData("[[336, 99999999999]]")]
    [InlineData("[[336, 672]] x")]
    [InlineData("[[336, 672] [1, 2]]")]
    [InlineData("__import__('os')")]
    public void ParsePinpoints_OtherText_IsATypedError(string text) => Assert.Throws<ImageException>(() => AnyResolution.ParsePinpoints(text));

    [Theory]
    [InlineData("5")]
    [InlineData("[5]")]
    [InlineData("[[1,2,3]]")]
    [InlineData("[[\"1\",2]]")]
    [InlineData("[[0,2]]")]
    [InlineData("{}")]
    public void ParsePinpoints_OtherJson_IsATypedError(string json)
    {
        using var document = JsonDocument.Parse(json);
        Assert.Throws<ImageException>(() => AnyResolution.ParsePinpoints(document.RootElement));
    }

    [Fact]
    public void ParsePinpoints_MutatedText_OnlyTypedErrors()
    {
        var random = new Random(1);
        for (var i = 0; i < 5000; i++)
        {
            var text = "[(336, 672), [672, 336], (1008, 336)]".ToCharArray();
            for (var c = 0; c < random.Next(1, 5); c++)
                text[random.Next(text.Length)] = "[]() ,0123456789-x"[random.Next(18)];
            try
            {
                Assert.All(AnyResolution.ParsePinpoints(new string(text)), pair => Assert.True(pair.Width > 0 && pair.Height > 0));
            }
            catch (ImageException)
            {
                // refused with the typed error
            }
        }
    }
}
