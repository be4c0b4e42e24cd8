namespace LlavaSharp.Data.Synth;

/// <summary>Makes scenes: the same (seed, index) gives the same scene, on any thread and in any order.</summary>
public sealed class SynthSceneGenerator
{
    private const uint Stream = 1;
    private const int TriesPerObject = 40;
    private const int TriesPerScene = 30;

    // Squares whose half side is near here would be big by one reading of "radius" and small by the other; none is made.
    private const double LargestSmallHalfSide = 0.101;
    private const double SmallestBigHalfSide = 0.103;

    private readonly long _seed;
    private readonly SynthSceneOptions _options;
    private readonly double[] _countWeights;

    /// <summary>Creates the generator.</summary>
    /// <param name="seed">Different seeds give unrelated scenes.</param>
    /// <param name="options">What scenes look like; null for the defaults.</param>
    /// <exception cref="LlavaException">A value of the options is outside its range.</exception>
    public SynthSceneGenerator(long seed, SynthSceneOptions? options = null)
    {
        _seed = seed;
        _options = options ?? new();
        _options.Validate();
        _countWeights = [.. _options.ObjectCountWeights];
    }

    /// <summary>The scene of this index.</summary>
    public SynthScene Create(long index)
    {
        var random = new SynthRandom(_seed, index, Stream);
        var (width, height) = DrawSize(_options, random);
        var count = random.Weighted(_countWeights) + 1;
        var fullness = random.Below(10) switch { < 4 => 0.0, < 8 => 1.0, _ => random.Unit() };
        var kinds = DrawKinds(count, random);
        var objects = new List<SynthObject>(count);
        for (var attempt = 0; objects.Count < count; attempt++)
        {
            objects.Clear();
            // Five big objects in a tall or small picture may not fit: after a while only small ones are tried.
            var smallOnly = attempt >= TriesPerScene;
            foreach (var (color, shape) in kinds)
            {
                if (TryPlace(color, shape, fullness, width, height, smallOnly, objects, random) is not { } placed)
                    break;
                objects.Add(placed);
            }
        }
        return new SynthScene
        {
            Width = width,
            Height = height,
            Background = new(Light(), Light(), Light()),
            AntiAliased = random.Chance(_options.AntiAliasedShare),
            Objects = objects,
        };

        byte Light() => (byte)random.Between(225, 255);
    }

    /// <summary>The width and height of a picture within the limits.</summary>
    internal static (int Width, int Height) DrawSize(SynthSceneOptions options, SynthRandom random)
    {
        var aspect = random.Chance(options.SquareShare) ? 1 : Math.Exp(random.Range(0, Math.Log(options.MaxAspect)));
        aspect = Math.Min(aspect, (double)options.MaxSide / options.MinSide);
        var least = Math.Min(options.MaxSide, Math.Max(options.MinLongerSide, options.MinSide * aspect));
        var longer = least * Math.Exp(random.Unit() * Math.Log(options.MaxSide / least));
        var first = Math.Clamp((int)Math.Round(longer), options.MinLongerSide, options.MaxSide);
        var shortest = Math.Max(options.MinSide, (int)Math.Ceiling(first / options.MaxAspect));
        var second = aspect == 1 ? first : Math.Clamp((int)Math.Round(longer / aspect), Math.Min(shortest, first), first);
        return random.Chance(0.5) ? (first, second) : (second, first);
    }

    private (SynthColor Color, SynthShape Shape)[] DrawKinds(int count, SynthRandom random)
    {
        Span<int> colors = [0, 1, 2, 3, 4, 5, 6, 7];
        Span<int> shapes = [0, 1, 2, 3];
        random.Shuffle(colors);
        random.Shuffle(shapes);
        if (random.Chance(_options.FewColorsShare))
            colors = colors[..(random.Below(6) switch { 0 => 1, < 3 => 2, < 5 => 3, _ => 4 })];
        if (random.Chance(_options.FewShapesShare))
            shapes = shapes[..(random.Below(3) == 0 ? 1 : 2)];
        var kinds = new (SynthColor, SynthShape)[count];
        foreach (ref var kind in kinds.AsSpan())
            kind = ((SynthColor)colors[random.Below(colors.Length)], (SynthShape)shapes[random.Below(shapes.Length)]);
        return kinds;
    }

    private SynthObject? TryPlace(
        SynthColor color, SynthShape shape, double fullness, int width, int height, bool smallOnly, List<SynthObject> others, SynthRandom random)
    {
        var side = Math.Min(width, height);
        var size = smallOnly || random.Chance(0.5) ? SynthSize.Small : SynthSize.Big;
        var share = size == SynthSize.Small ? random.Range(0.08, 0.105) : random.Range(0.14, 0.17);
        if (shape == SynthShape.Square)
        {
            var halfSide = 0.70710678118654752 + (1 - 0.70710678118654752) * fullness;
            share = size == SynthSize.Small ? Math.Min(share, LargestSmallHalfSide / halfSide) : Math.Max(share, SmallestBigHalfSide / halfSide);
        }
        var radius = share * side;
        var rgb = SynthPalette.Vary(color, _options.ColorJitter, random);
        for (var attempt = 0; attempt < TriesPerObject; attempt++)
        {
            var cell = random.Below(9);
            var candidate = new SynthObject
            {
                Shape = shape,
                Color = color,
                Size = size,
                Radius = radius,
                Fullness = fullness,
                Rgb = rgb,
                Cell = cell,
                CenterX = DrawCenter(cell % 3, width, radius, random),
                CenterY = DrawCenter(cell / 3, height, radius, random),
            };
            if (IsFree(candidate, others, side))
                return candidate;
        }
        return null;
    }

    private double DrawCenter(int third, int length, double radius, SynthRandom random)
    {
        var margin = _options.CellMargin * length;
        var low = Math.Max(radius + 1, third == 0 ? 0 : length * third / 3.0 + margin);
        var high = Math.Min(length - radius - 1, third == 2 ? length : length * (third + 1) / 3.0 - margin);
        return random.Range(low, high);
    }

    private bool IsFree(SynthObject candidate, List<SynthObject> others, int side)
    {
        var gap = Math.Max(1.0, _options.Gap * side);
        foreach (var other in others)
        {
            var dx = Math.Abs(candidate.CenterX - other.CenterX);
            if (dx < _options.OrderGap * side)
                return false;
            var dy = Math.Abs(candidate.CenterY - other.CenterY);
            var circles = candidate.Reach + other.Reach + gap;
            var boxes = dx >= candidate.HalfWidth + other.HalfWidth + gap || dy >= candidate.Radius + other.Radius + gap;
            if (!boxes && dx * dx + dy * dy < circles * circles)
                return false;
        }
        return true;
    }
}
