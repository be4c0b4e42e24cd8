namespace LlavaSharp.Data.Synth;

/// <summary>The outline of an object, cut by horizontal lines.</summary>
internal readonly ref struct SynthOutline
{
    /// <summary>The most crossings a line can have with any shape (a star's lower part has four).</summary>
    public const int MaxCrossings = 8;

    private const double StarInnerRadius = 0.45;

    private static readonly (double X, double Y)[] _starPoints = StarPoints();

    private readonly double _centerX;
    private readonly double _centerY;
    private readonly double _radius;
    private readonly (double X, double Y)[]? _points;

    public SynthOutline(SynthObject item)
    {
        (_centerX, _centerY, _radius) = (item.CenterX, item.CenterY, item.Radius);
        Top = item.CenterY - (item.Shape == SynthShape.Square ? item.HalfWidth : item.Radius);
        Bottom = item.CenterY + item.Drop;
        switch (item.Shape)
        {
            case SynthShape.Circle:
                _points = null;
                break;
            case SynthShape.Square:
                var half = item.HalfWidth;
                _points = [At(-half, -half), At(half, -half), At(half, half), At(-half, half)];
                break;
            case SynthShape.Triangle:
                _points = [At(0, -item.Radius), At(item.HalfWidth, item.Drop), At(-item.HalfWidth, item.Drop)];
                break;
            default:
                _points = new (double X, double Y)[_starPoints.Length];
                for (var i = 0; i < _points.Length; i++)
                    _points[i] = At(_starPoints[i].X * item.Radius, _starPoints[i].Y * item.Radius);
                break;
        }

        (double X, double Y) At(double dx, double dy) => (item.CenterX + dx, item.CenterY + dy);
    }

    public double Top { get; }

    public double Bottom { get; }

    /// <summary>Where the line at height <paramref name="y"/> crosses the outline, from left to right; returns how many (even).</summary>
    public int Cross(double y, Span<double> crossings)
    {
        if (_points is null)
        {
            var dy = y - _centerY;
            var square = _radius * _radius - dy * dy;
            if (square <= 0)
                return 0;
            var half = Math.Sqrt(square);
            (crossings[0], crossings[1]) = (_centerX - half, _centerX + half);
            return 2;
        }
        var count = 0;
        var (previousX, previousY) = _points[^1];
        foreach (var (x, nextY) in _points)
        {
            // Half-open, so that a corner on the line is counted once.
            if (previousY <= y != nextY <= y)
                crossings[count++] = previousX + (x - previousX) * ((y - previousY) / (nextY - previousY));
            (previousX, previousY) = (x, nextY);
        }
        crossings[..count].Sort();
        return count;
    }

    private static (double X, double Y)[] StarPoints()
    {
        var points = new (double X, double Y)[10];
        for (var i = 0; i < points.Length; i++)
        {
            var angle = Math.PI * i / 5;
            var radius = i % 2 == 0 ? 1 : StarInnerRadius;
            points[i] = (radius * Math.Sin(angle), -radius * Math.Cos(angle));
        }
        return points;
    }
}
