namespace LlavaSharp.Training;

/// <summary>How a run goes; the names and defaults are those of the original's trainer.</summary>
public sealed record TrainerOptions
{
    /// <summary>Where checkpoints and the finished model go.</summary>
    public required string OutputDirectory { get; init; }

    /// <summary>Passes over the data.</summary>
    public double Epochs { get; init; } = 3;

    /// <summary>The number of updates; 0: as the epochs say.</summary>
    public long MaxSteps { get; init; }

    /// <summary>The run ends after this many minutes, over all resumptions; 0: it does not. The schedule then decays by the clock as well.</summary>
    public double MaxMinutes { get; init; }

    /// <summary>Samples of a micro-batch.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Micro-batches of an update.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>The form of the schedule.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Linear;

    /// <summary>The share of the updates over which the rate rises.</summary>
    public double WarmupRatio { get; init; }

    /// <summary>The number of updates over which the rate rises; 0: as the ratio says.</summary>
    public long WarmupSteps { get; init; }

    /// <summary>Adam's decay of the first moment.</summary>
    public double AdamBeta1 { get; init; } = 0.9;

    /// <summary>Adam's decay of the second moment.</summary>
    public double AdamBeta2 { get; init; } = 0.999;

    /// <summary>Added to the root of Adam's second moment.</summary>
    public double AdamEpsilon { get; init; } = 1e-8;

    /// <summary>The largest global norm of the gradients; 0: any.</summary>
    public double MaxGradientNorm { get; init; } = 1;

    /// <summary>A line is logged every so many updates.</summary>
    public int LoggingSteps { get; init; } = 500;

    /// <summary>A checkpoint is written every so many updates; 0: never.</summary>
    public int SaveSteps { get; init; } = 500;

    /// <summary>How many checkpoints are kept; 0: all.</summary>
    public int SaveTotalLimit { get; init; }

    /// <summary>The seed of the samples' order.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>
    /// The samples of so many micro-batches are sorted by length among themselves before they are cut into batches, so that little is padding;
    /// 1 leaves the order alone.
    /// </summary>
    public int LengthWindow { get; init; } = 1;

    /// <summary>How many micro-batches are made ahead of their use.</summary>
    public int BatchesAhead { get; init; } = 3;

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Gets every logged line; null: nothing is shown. The same lines go to <c>trainer_state.json</c>.</summary>
    public Action<TrainingLogEntry>? Log { get; init; }

    /// <summary>Refuses values that are out of their range; the trainer does so, too.</summary>
    /// <exception cref="TrainingException">Names the first value and its range.</exception>
    public void Validate()
    {
        Require(BatchSize >= 1, "per_device_train_batch_size", BatchSize, "at least 1");
        Require(LengthWindow is >= 1 and <= 1024, "length_window", LengthWindow, "1 to 1024");
        Require(GradientAccumulationSteps >= 1, "gradient_accumulation_steps", GradientAccumulationSteps, "at least 1");
        Require(Epochs > 0, "num_train_epochs", Epochs, "above 0");
        Require(MaxSteps >= 0, "max_steps", MaxSteps, "0 or more");
        Require(MaxMinutes >= 0, "max_minutes", MaxMinutes, "0 or more");
        Require(WarmupRatio is >= 0 and <= 1, "warmup_ratio", WarmupRatio, "0 to 1");
        Require(WarmupSteps >= 0, "warmup_steps", WarmupSteps, "0 or more");
        Require(AdamBeta1 is >= 0 and < 1, "adam_beta1", AdamBeta1, "0 to below 1");
        Require(AdamBeta2 is >= 0 and < 1, "adam_beta2", AdamBeta2, "0 to below 1");
        Require(AdamEpsilon >= 0, "adam_epsilon", AdamEpsilon, "0 or more");
        Require(LoggingSteps >= 1, "logging_steps", LoggingSteps, "at least 1");
        Require(SaveSteps >= 0, "save_steps", SaveSteps, "0 or more");
        Require(SaveTotalLimit >= 0, "save_total_limit", SaveTotalLimit, "0 or more");
    }

    private static void Require(bool condition, string name, object value, string range)
    {
        if (!condition)
            throw new TrainingException(FormattableString.Invariant($"{name} is {value}; it must be {range}."));
    }
}
