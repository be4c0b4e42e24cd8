namespace LlavaSharp.Training;

/// <summary>The factor on the learning rate of each update; <c>update</c> counts those already done, so the first one of a run with warm-up has the factor 0.</summary>
public sealed class LearningRateSchedule
{
    private const double PolynomialEnd = 1e-7;   // of the original's library

    private readonly double _baseRate;

    /// <summary>The names that <c>--lr_scheduler_type</c> takes.</summary>
    public static IReadOnlyDictionary<string, ScheduleKind> Names { get; } = new Dictionary<string, ScheduleKind>(StringComparer.Ordinal)
    {
        ["cosine"] = ScheduleKind.Cosine,
        ["linear"] = ScheduleKind.Linear,
        ["constant"] = ScheduleKind.Constant,
        ["constant_with_warmup"] = ScheduleKind.ConstantWithWarmup,
        ["polynomial"] = ScheduleKind.Polynomial,
        ["cosine_with_restarts"] = ScheduleKind.CosineWithRestarts,
    };

    /// <summary>Creates a schedule.</summary>
    /// <param name="kind">Its form.</param>
    /// <param name="warmupSteps">The number of updates over which the rate rises.</param>
    /// <param name="totalSteps">The number of updates of the run; <see cref="long.MaxValue"/> when only the clock ends it.</param>
    /// <param name="baseRate">The rate at factor 1; only the polynomial, which ends at a rate above zero, depends on it.</param>
    public LearningRateSchedule(ScheduleKind kind, long warmupSteps, long totalSteps, double baseRate = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ArgumentOutOfRangeException.ThrowIfNegative(totalSteps);
        (Kind, WarmupSteps, TotalSteps, _baseRate) = (kind, warmupSteps, totalSteps, baseRate);
    }

    /// <summary>The form.</summary>
    public ScheduleKind Kind { get; }

    /// <summary>The number of updates over which the rate rises.</summary>
    public long WarmupSteps { get; }

    /// <summary>The number of updates of the run.</summary>
    public long TotalSteps { get; }

    /// <summary>The warm-up of a ratio: rounded up, as the original does; a number of steps above 0 takes precedence.</summary>
    public static long CountWarmup(long totalSteps, double ratio, long steps = 0) =>
        steps > 0 ? steps : (long)Math.Ceiling(totalSteps * ratio);

    /// <summary>The factor of an update.</summary>
    /// <param name="update">The number of updates already done.</param>
    /// <param name="timeProgress">How much of the run's time is over, 0 to 1: a run that ends by the clock decays by it when it is ahead of the count.</param>
    public double Factor(long update, double timeProgress = 0)
    {
        if (Kind == ScheduleKind.Constant)
            return 1;
        if (update < WarmupSteps)
            return (double)update / Math.Max(1, WarmupSteps);
        if (Kind == ScheduleKind.ConstantWithWarmup)
            return 1;
        var progress = Math.Max((double)(update - WarmupSteps) / Math.Max(1, TotalSteps - WarmupSteps), timeProgress);
        return Math.Max(0, Kind switch
        {
            ScheduleKind.Linear => 1 - progress,
            ScheduleKind.Polynomial => ((_baseRate - PolynomialEnd) * (1 - Math.Min(1, progress)) + PolynomialEnd) / _baseRate,
            _ => 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, progress))),
        });
    }
}
