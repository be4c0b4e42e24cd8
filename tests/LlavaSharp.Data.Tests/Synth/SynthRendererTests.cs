using LlavaSharp.Data.Synth;

namespace LlavaSharp.Data.Tests.Synth;

public class SynthRendererTests
{
    private static readonly SynthRgb _background = new(250, 240, 230);
    private static readonly SynthRgb _ink = new(20, 30, 40);

    [Fact]
    public void Draw_RandomScenes_CentersHaveTheirColorAndNothingElseIsTouched()
    {
        var generator = new SynthSceneGenerator(1, SynthSceneOptions.Training);
        for (var index = 0; index < 150; index++)
        {
            var scene = generator.Create(index);
            var picture = SynthRenderer.Draw(scene);
            Assert.Equal((scene.Width, scene.Height), (picture.Width, picture.Height));
            foreach (var item in scene.Objects)
                Assert.Equal(item.Rgb, At(picture, (int)item.CenterX, (int)item.CenterY));
            for (var y = 0; y < scene.Height; y++)
            {
                for (var x = 0; x < scene.Width; x++)
                {
                    if (At(picture, x, y) != scene.Background)
                        Assert.Contains(scene.Objects, item => Math.Abs(x + 0.5 - item.CenterX) <= item.Radius + 1 && Math.Abs(y + 0.5 - item.CenterY) <= item.Radius + 1);
                }
            }
        }
    }

    [Fact]
    public void Draw_ObjectsOneByOne_TouchDifferentPixels()
    {
        var generator = new SynthSceneGenerator(2, SynthSceneOptions.Training);
        for (var index = 0; index < 150; index++)
        {
            var scene = generator.Create(index);
            var owners = new int[scene.Width * scene.Height];
            foreach (var item in scene.Objects)
            {
                var picture = SynthRenderer.Draw(scene with { Objects = [item] });
                for (var at = 0; at < owners.Length; at++)
                {
                    if (At(picture, at % scene.Width, at / scene.Width) != scene.Background)
                        Assert.Equal(1, ++owners[at]);
                }
            }
        }
    }

    [Theory]
    [InlineData(SynthShape.Circle, 0, 3.14159265)]
    [InlineData(SynthShape.Square, 0, 2)]
    [InlineData(SynthShape.Square, 1, 4)]
    [InlineData(SynthShape.Triangle, 0, 1.29903811)]
    [InlineData(SynthShape.Triangle, 1, 2)]
    [InlineData(SynthShape.Star, 0, 1.32252872)] // five times outer x inner x sin 36 degrees
    public void Draw_Shape_HasItsArea(SynthShape shape, double fullness, double areaPerSquaredRadius)
    {
        const double Radius = 60.3;
        foreach (var smooth in new[] { true, false })
        {
            var picture = SynthRenderer.Draw(One(shape, fullness, 100.37, 99.81, Radius, smooth));
            var area = 0.0;
            for (var y = 0; y < 200; y++)
            {
                for (var x = 0; x < 200; x++)
                    area += (_background.R - At(picture, x, y).R) / (double)(_background.R - _ink.R);
            }
            Assert.InRange(area / (areaPerSquaredRadius * Radius * Radius), smooth ? 0.997 : 0.98, smooth ? 1.003 : 1.02);
        }
    }

    [Fact]
    public void Draw_Star_HasOnePointUpAndNotchesBetween()
    {
        var picture = SynthRenderer.Draw(One(SynthShape.Star, 0, 100, 100, 80, true));
        // Directions in degrees from straight up: points every 72 degrees, notches half way.
        for (var k = 0; k < 5; k++)
        {
            Assert.Equal(_ink, Polar(72 * k, 72));
            Assert.Equal(_background, Polar(72 * k, 84));
            Assert.Equal(_ink, Polar(72 * k + 36, 33));
            Assert.Equal(_background, Polar(72 * k + 36, 39));
        }

        SynthRgb Polar(double degrees, double distance)
        {
            var angle = degrees * Math.PI / 180;
            return At(picture, (int)(100 + distance * Math.Sin(angle)), (int)(100 - distance * Math.Cos(angle)));
        }
    }

    [Fact]
    public void Draw_Triangle_HasItsTipUpAndAFlatBase()
    {
        var picture = SynthRenderer.Draw(One(SynthShape.Triangle, 0, 100, 100, 80, false));
        Assert.Equal(_ink, At(picture, 100, 23));
        Assert.Equal(_background, At(picture, 80, 23));
        Assert.Equal(_ink, At(picture, 34, 138));
        Assert.Equal(_ink, At(picture, 165, 138));
        Assert.Equal(_background, At(picture, 100, 140));
    }

    [Fact]
    public void Draw_HardEdges_OnlyTwoColors()
    {
        var colors = Colors(SynthRenderer.Draw(One(SynthShape.Circle, 0, 99.5, 101.2, 40, false)));
        Assert.Equal([_background, _ink], colors.OrderByDescending(color => color.R));
        Assert.True(Colors(SynthRenderer.Draw(One(SynthShape.Circle, 0, 99.5, 101.2, 40, true))).Count > 10);
    }

    [Fact]
    public void Draw_BeyondTheEdge_IsCutOff()
    {
        foreach (var smooth in new[] { true, false })
        {
            var picture = SynthRenderer.Draw(One(SynthShape.Square, 1, 195, 3, 20, smooth));
            Assert.Equal(_ink, At(picture, 199, 0));
            Assert.Equal(_background, At(picture, 199, 23));
            Assert.Equal(_background, At(picture, 0, 1));
        }
    }

    [Fact]
    public void Draw_IntoABuffer_GivesTheSameAndWantsTheRightLength()
    {
        var scene = new SynthSceneGenerator(5).Create(3);
        var buffer = new byte[scene.Width * scene.Height * 3];
        SynthRenderer.Draw(scene, buffer);
        Assert.Equal(SynthRenderer.Draw(scene).Rgb, buffer);
        Assert.Throws<ArgumentException>(() => SynthRenderer.Draw(scene, new byte[buffer.Length - 1]));
    }

    [Fact]
    public void Draw_OffTopicPictures_AreAlikeForTheSameSeedOnly()
    {
        foreach (var kind in Enum.GetValues<SynthOffTopicKind>())
        {
            var picture = new SynthOffTopicPicture(kind, 70, 90, 5).Draw();
            Assert.Equal(70 * 90 * 3, picture.Rgb.Length);
            Assert.Equal(picture.Rgb, new SynthOffTopicPicture(kind, 70, 90, 5).Draw().Rgb);
            Assert.NotEqual(picture.Rgb, new SynthOffTopicPicture(kind, 70, 90, 6).Draw().Rgb);
            Assert.Equal(kind == SynthOffTopicKind.Plain, Colors(picture).Count == 1);
        }
    }

    private static SynthScene One(SynthShape shape, double fullness, double x, double y, double radius, bool smooth) => new()
    {
        Width = 200,
        Height = 200,
        Background = _background,
        AntiAliased = smooth,
        Objects =
        [
            new() { Shape = shape, Color = SynthColor.Black, Size = SynthSize.Big, CenterX = x, CenterY = y, Radius = radius, Fullness = fullness, Rgb = _ink, Cell = 4 },
        ],
    };

    private static SynthRgb At(SynthPicture picture, int x, int y)
    {
        var at = (y * picture.Width + x) * 3;
        return new(picture.Rgb[at], picture.Rgb[at + 1], picture.Rgb[at + 2]);
    }

    private static HashSet<SynthRgb> Colors(SynthPicture picture) =>
        [.. Enumerable.Range(0, picture.Width * picture.Height).Select(at => At(picture, at % picture.Width, at / picture.Width))];
}
