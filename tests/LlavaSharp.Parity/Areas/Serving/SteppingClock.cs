namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>A clock that goes on by a step at each look, as those of the recordings: in double precision, whose errors add up.</summary>
internal sealed class SteppingClock(double start, double step) : TimeProvider
{
    private double _now = start;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks((long)Math.Round((decimal)Math.Floor(_now += step) * TimeSpan.TicksPerSecond + (decimal)(_now - Math.Floor(_now)) * TimeSpan.TicksPerSecond));
}
