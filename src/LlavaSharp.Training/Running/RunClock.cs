namespace LlavaSharp.Training;

/// <summary>The time of a run, over all resumptions.</summary>
internal sealed class RunClock(TimeProvider clock, double before, double maxMinutes)
{
    private readonly long _start = clock.GetTimestamp();

    /// <summary>Seconds of training so far.</summary>
    public double Seconds => before + clock.GetElapsedTime(_start).TotalSeconds;

    /// <summary>How much of the run's time is over, 0 to 1; always 0 without a limit.</summary>
    public double Progress => maxMinutes > 0 ? Math.Min(1, Seconds / (60 * maxMinutes)) : 0;
}
