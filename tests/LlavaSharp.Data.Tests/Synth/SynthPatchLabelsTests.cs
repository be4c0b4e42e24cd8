using LlavaSharp.Data.Synth;
using LlavaSharp.Imaging;

namespace LlavaSharp.Data.Tests.Synth;

public class SynthPatchLabelsTests
{
    [Fact]
    public void For_SquarePicture_LabelsTheCoveredPatches()
    {
        // Patches of 12 pixels; centre of patch (2, 3) is (42, 30). The object reaches 8 + 0.35 x 12 = 12.2 pixels.
        var labels = SynthPatchLabels.For(Scene(96, 96, Item(SynthColor.Blue, SynthShape.Star, SynthSize.Big, 42, 30, 8, 1)), 8);
        int[] covered = [3 + 8 * 2, 2 + 8 * 2, 4 + 8 * 2, 3 + 8 * 1, 3 + 8 * 3];
        for (var at = 0; at < 64; at++)
        {
            var inside = covered.Contains(at);
            Assert.Equal(inside ? 2 * 4 + 3 : 32, labels.Classes[at]);
            Assert.Equal(inside ? 1 : -1, labels.Sizes[at]);
            Assert.Equal(inside ? 1 : -1, labels.Places[at]);
            Assert.Equal(inside ? 0 : -1, labels.Objects[at]);
        }
    }

    [Fact]
    public void For_WidePicture_IsPaddedAboveAndBelow()
    {
        // 192 x 97 becomes 192 x 192 with 47 rows above: patches of 24 pixels; (12, 12) lands in patch row 2.
        var labels = SynthPatchLabels.For(Scene(192, 97, Item(SynthColor.Red, SynthShape.Circle, SynthSize.Small, 12, 13, 2, 0)), 8);
        Assert.Equal([2 * 8], Covered(labels));
        Assert.Equal(0, labels.Classes[16]);
        var tall = SynthPatchLabels.For(Scene(97, 192, Item(SynthColor.Red, SynthShape.Circle, SynthSize.Small, 13, 12, 2, 0)), 8);
        Assert.Equal([2], Covered(tall));
    }

    [Fact]
    public void For_TinyObjectOnACorner_HasThePatchOfItsCenter()
    {
        // 8.5 pixels from every patch centre, and it reaches only 2 + 4.2.
        var labels = SynthPatchLabels.For(Scene(96, 96, Item(SynthColor.Gray, SynthShape.Square, SynthSize.Small, 48.01, 48.01, 2, 4)), 8);
        Assert.Equal([4 * 8 + 4], Covered(labels));
        Assert.Equal(7 * 4 + 1, labels.Classes[36]);
    }

    [Fact]
    public void For_TwoObjectsOverOnePatch_TheNearerOneHasIt()
    {
        var near = Item(SynthColor.Red, SynthShape.Circle, SynthSize.Small, 30, 30, 6, 4);
        var far = Item(SynthColor.Green, SynthShape.Circle, SynthSize.Small, 39.5, 30, 6, 4);
        Assert.Equal(0, SynthPatchLabels.For(Scene(96, 96, near, far), 8).Objects[2 * 8 + 2]);
        Assert.Equal(1, SynthPatchLabels.For(Scene(96, 96, far, near), 8).Objects[2 * 8 + 2]);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(14)]
    [InlineData(3)]
    public void For_RandomScenes_AgreesWithTheRuleTakenLiterally(int grid)
    {
        var generator = new SynthSceneGenerator(9);
        for (var index = 0; index < 300; index++)
        {
            var scene = generator.Create(index);
            var labels = SynthPatchLabels.For(scene, grid);
            var side = Math.Max(scene.Width, scene.Height);
            var patch = (double)side / grid;
            var covers = new bool[scene.Objects.Count];
            for (var at = 0; at < grid * grid; at++)
            {
                var x = (at % grid + 0.5) * patch - (side - scene.Width) / 2;
                var y = (at / grid + 0.5) * patch - (side - scene.Height) / 2;
                var inside = Enumerable.Range(0, scene.Objects.Count).Where(i => Beyond(scene.Objects[i], x, y) <= 0.35 * patch).ToArray();
                foreach (var i in inside)
                    covers[i] = true;
                if (inside.Length > 0)
                    Assert.Equal(inside.MinBy(i => Beyond(scene.Objects[i], x, y)), labels.Objects[at]);
                else if (labels.Objects[at] >= 0)
                    Assert.True(Math.Abs(scene.Objects[labels.Objects[at]].CenterX - x) <= patch / 2 + 1e-9);
            }
            for (var i = 0; i < covers.Length; i++)
            {
                if (covers[i])
                    continue;
                // Not covered by the rule: then it has one patch, or another object has the patch of its centre.
                Assert.InRange(labels.Objects.Count(owner => owner == i), 0, 1);
            }
        }

        static double Beyond(SynthObject item, double x, double y) => Math.Sqrt(Math.Pow(x - item.CenterX, 2) + Math.Pow(y - item.CenterY, 2)) - item.Radius;
    }

    [Fact]
    public void For_RandomScenes_MatchesThePixelsOfThePaddedPicture()
    {
        var generator = new SynthSceneGenerator(10);
        var seen = 0;
        for (var index = 0; index < 60; index++)
        {
            var scene = generator.Create(index);
            var padded = ImageGeometry.ExpandToSquare(SynthRenderer.Draw(scene).ToImage(), (1, 2, 3));
            var labels = SynthPatchLabels.For(scene, 24);
            for (var at = 0; at < labels.Classes.Length; at++)
            {
                var x = (int)((at % 24 + 0.5) * padded.Width / 24);
                var y = (int)((at / 24 + 0.5) * padded.Height / 24);
                var pixel = padded.Rgb.Slice((y * padded.Width + x) * 3, 3);
                var rgb = new SynthRgb(pixel[0], pixel[1], pixel[2]);
                if (labels.Objects[at] == SynthPatchLabels.None)
                    Assert.DoesNotContain(scene.Objects, item => item.Rgb == rgb && (item.Shape is SynthShape.Circle or SynthShape.Star));
                else
                    Assert.True(rgb == scene.Objects[labels.Objects[at]].Rgb || scene.Objects.All(item => item.Rgb != rgb));
                seen += scene.Objects.Any(item => item.Rgb == rgb) ? 1 : 0;
            }
        }
        Assert.True(seen > 500, $"only {seen} patches on objects");
    }

    [Fact]
    public void For_BadGrid_Throws()
    {
        var scene = new SynthSceneGenerator(9).Create(0);
        Assert.Throws<ArgumentOutOfRangeException>(() => SynthPatchLabels.For(scene, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => SynthPatchLabels.For(scene, 5000));
    }

    private static int[] Covered(SynthPatchLabels labels) => [.. Enumerable.Range(0, labels.Classes.Length).Where(at => labels.Classes[at] != SynthPatchLabels.Background)];

    private static SynthScene Scene(int width, int height, params SynthObject[] objects) =>
        new() { Width = width, Height = height, Background = new(255, 255, 255), AntiAliased = true, Objects = objects };

    private static SynthObject Item(SynthColor color, SynthShape shape, SynthSize size, double x, double y, double radius, int cell) =>
        new() { Color = color, Shape = shape, Size = size, CenterX = x, CenterY = y, Radius = radius, Cell = cell, Fullness = 0, Rgb = SynthPalette.Center(color) };
}
