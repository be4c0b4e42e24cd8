using LlavaSharp.Data.Synth;

namespace LlavaSharp.Data.Tests.Synth;

public class SynthSceneTests
{
    private const int Count = 3000;

    public static TheoryData<SynthSceneOptions> Worlds { get; } =
    [
        new SynthSceneOptions(),
        SynthSceneOptions.Training,
        new SynthSceneOptions { MinSide = 96, MaxSide = 96 },
        new SynthSceneOptions { SquareShare = 0, MinSide = 32, MaxAspect = 3, ObjectCountWeights = [0, 0, 0, 0, 1] },
        new SynthSceneOptions { MinSide = 16, MinLongerSide = 16, MaxSide = 48 },
    ];

    [Fact]
    public void Create_SameSeedAndIndex_SameSceneInAnyOrderOnAnyThread()
    {
        var forward = new SynthSceneGenerator(42);
        var expected = Enumerable.Range(0, 200).Select(i => Text(forward.Create(i))).ToArray();
        var shared = new SynthSceneGenerator(42);
        var actual = new string[200];
        Parallel.For(0, 200, i => actual[199 - i] = Text(shared.Create(199 - i)));
        Assert.Equal(expected, actual);
        Assert.Equal(200, expected.Distinct().Count());
        Assert.NotEqual(expected[0], Text(new SynthSceneGenerator(43).Create(0)));
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Create_AnyOptions_SidesAndShapesWithinLimits(SynthSceneOptions options)
    {
        foreach (var scene in Scenes(options))
        {
            int shorter = Math.Min(scene.Width, scene.Height), longer = Math.Max(scene.Width, scene.Height);
            Assert.InRange(shorter, options.MinSide, options.MaxSide);
            Assert.InRange(longer, options.MinLongerSide, options.MaxSide);
            Assert.True(longer <= shorter * options.MaxAspect, $"{scene.Width} x {scene.Height}");
            Assert.All(new[] { scene.Background.R, scene.Background.G, scene.Background.B }, channel => Assert.InRange(channel, (byte)225, (byte)255));
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Create_AnyOptions_ObjectsAreInsideApartAndWhatTheySay(SynthSceneOptions options)
    {
        foreach (var scene in Scenes(options))
        {
            Assert.InRange(scene.Objects.Count, 1, 5);
            var shorter = (double)Math.Min(scene.Width, scene.Height);
            foreach (var item in scene.Objects)
            {
                Assert.InRange(item.CenterX, item.Radius, scene.Width - item.Radius);
                Assert.InRange(item.CenterY, item.Radius, scene.Height - item.Radius);
                var (low, high) = item.Size == SynthSize.Big ? (0.14, 0.17) : (0.08, 0.105);
                Assert.InRange(item.Radius / shorter, low - 1e-9, high + 1e-9);
                Assert.Equal((int)(3 * item.CenterY / scene.Height) * 3 + (int)(3 * item.CenterX / scene.Width), item.Cell);
                Assert.Equal(item.Color, Nearest(item.Rgb));
                foreach (var other in scene.Objects.Where(other => !ReferenceEquals(other, item)))
                    Assert.True(Math.Abs(item.CenterX - other.CenterX) >= options.OrderGap * shorter);
            }
        }
    }

    [Fact]
    public void Create_ManyScenes_EveryKindOccursAboutAsOftenAsTheOthers()
    {
        var scenes = Scenes(new()).ToArray();
        var objects = scenes.SelectMany(scene => scene.Objects).ToArray();
        AssertEven(objects.CountBy(item => item.Color), 8);
        AssertEven(objects.CountBy(item => item.Shape), 4);
        AssertEven(objects.CountBy(item => item.Size), 2);
        AssertEven(objects.CountBy(item => item.Cell), 9);
        Assert.Equal(5, scenes.CountBy(scene => scene.Objects.Count).Count());
        Assert.InRange(scenes.Count(scene => scene.Width == scene.Height) / (double)Count, 0.40, 0.52);
        Assert.InRange(scenes.Count(scene => scene.Width > 2 * scene.Height) / (double)Count, 0.05, 0.2);
        Assert.InRange(scenes.Count(scene => scene.Height > 2 * scene.Width) / (double)Count, 0.05, 0.2);

        static void AssertEven<T>(IEnumerable<KeyValuePair<T, int>> counts, int kinds)
            where T : notnull
        {
            var list = counts.ToArray();
            Assert.Equal(kinds, list.Length);
            Assert.True(list.Max(pair => pair.Value) < 1.3 * list.Min(pair => pair.Value), string.Join(", ", list));
        }
    }

    [Fact]
    public void Create_Squares_AreBigOrSmallByEitherReadingOfRadius()
    {
        foreach (var scene in Scenes(new() { SquareShare = 1 }))
        {
            foreach (var item in scene.Objects.Where(item => item.Shape == SynthShape.Square))
            {
                var half = item.HalfWidth / scene.ShorterSide;
                Assert.True(item.Size == SynthSize.Big ? half > 0.1025 : half < 0.1015, $"{item.Size} {half}");
            }
        }
    }

    [Fact]
    public void Constructor_BadOptions_SaysWhichValue()
    {
        SynthSceneOptions[] bad =
        [
            new() { MinSide = 4 }, new() { MaxSide = 50 }, new() { MaxAspect = 0.5 }, new() { SquareShare = 2 }, new() { SquareShare = double.NaN },
            new() { ColorJitter = 90 }, new() { ObjectCountWeights = [] }, new() { ObjectCountWeights = [0, 0] }, new() { ObjectCountWeights = [1, 1, 1, 1, 1, 1] },
            new() { Gap = -1 }, new() { CellMargin = 0.3 }, new() { OrderGap = 0.5 },
        ];
        Assert.All(bad, options => Assert.Contains("must be", Assert.Throws<LlavaException>(() => new SynthSceneGenerator(0, options)).Message));
    }

    private static IEnumerable<SynthScene> Scenes(SynthSceneOptions options)
    {
        var generator = new SynthSceneGenerator(7, options);
        return Enumerable.Range(0, Count).Select(i => generator.Create(i));
    }

    private static string Text(SynthScene scene) => $"{scene.Width} {scene.Height} {scene.Background} {scene.AntiAliased} {string.Join(' ', scene.Objects)}";

    private static SynthColor Nearest(SynthRgb rgb) => Enum.GetValues<SynthColor>().MinBy(color =>
    {
        var center = SynthPalette.Center(color);
        return Math.Pow(center.R - rgb.R, 2) + Math.Pow(center.G - rgb.G, 2) + Math.Pow(center.B - rgb.B, 2);
    });
}
