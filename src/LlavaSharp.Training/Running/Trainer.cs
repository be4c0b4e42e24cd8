using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>
/// The training loop of one process: micro-batches made ahead, accumulated gradients, clipping, AdamW and its schedule, a log, checkpoints, and going on
/// from the newest of them. A run that was interrupted and resumed gives bit for bit what it would have given in one piece, unless the clock decides.
/// </summary>
/// <typeparam name="TBatch">A micro-batch of the task.</typeparam>
public sealed class Trainer<TBatch>
{
    private readonly ITrainingTask<TBatch> _task;
    private readonly TrainerOptions _options;
    private readonly BatchOrder _order;
    private readonly CheckpointStore _store;
    private readonly long _totalSteps;
    private readonly LearningRateSchedule _schedule;
    private readonly int _microBatches;

    /// <summary>Prepares a run.</summary>
    /// <param name="task">What is trained.</param>
    /// <param name="options">How.</param>
    /// <exception cref="TrainingException">An option is out of its range, or nothing ends the run.</exception>
    public Trainer(ITrainingTask<TBatch> task, TrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (_task, _options) = (task, options);
        _order = new BatchOrder(task.SampleCount, options.BatchSize, options.Seed, options.LengthWindow, task.EstimateLength);
        _store = new CheckpointStore(options.OutputDirectory, options.SaveTotalLimit);
        _microBatches = (int)Math.Min(options.GradientAccumulationSteps, _order.BatchesPerEpoch ?? long.MaxValue);
        _totalSteps = CountSteps();
        var warmup = _totalSteps == long.MaxValue ? options.WarmupSteps : LearningRateSchedule.CountWarmup(_totalSteps, options.WarmupRatio, options.WarmupSteps);
        _schedule = new LearningRateSchedule(options.Schedule, warmup, _totalSteps, task.Groups.Count > 0 ? task.Groups[0].LearningRate : 1);
    }

    /// <summary>The number of updates of the run; <see cref="long.MaxValue"/> when only the clock ends it.</summary>
    public long TotalSteps => _totalSteps;

    /// <summary>Trains, from the newest checkpoint in the output folder if there is one, and saves the finished model.</summary>
    /// <param name="cancellationToken">Ends the run after the update in progress, with a checkpoint.</param>
    /// <exception cref="TrainingException">The loss is not a finite number, or a checkpoint cannot be read.</exception>
    public TrainingResult Run(CancellationToken cancellationToken = default)
    {
        using var scope = NewDisposeScope();
        using var optimizer = new AdamW(_task.Groups, _options.AdamBeta1, _options.AdamBeta2, _options.AdamEpsilon);
        var state = new TrainerState();
        if (_store.Newest() is { } newest)
        {
            _task.LoadCheckpoint(newest);
            state = CheckpointStore.Load(newest, optimizer);
        }
        state.MaxSteps = _totalSteps == long.MaxValue ? 0 : _totalSteps;
        var clock = new RunClock(_options.Clock, state.ElapsedSeconds, _options.MaxMinutes);
        var log = new LogWindow(clock);
        using (var stream = new BatchStream<TBatch>(_task.Prepare, _order, state.MicroBatches, _options.BatchesAhead))
        {
            while (state.GlobalStep < _totalSteps && clock.Progress < 1 && !cancellationToken.IsCancellationRequested)
            {
                Update(stream, optimizer, state, clock, log);
                if (state.GlobalStep % _options.LoggingSteps == 0)
                    Log(state, clock, log);
                if (_options.SaveSteps > 0 && state.GlobalStep % _options.SaveSteps == 0)
                    Save(state, optimizer, clock);
            }
        }
        var finished = state.GlobalStep >= _totalSteps || clock.Progress >= 1;
        if (log.Steps > 0)
            Log(state, clock, log);
        state.ElapsedSeconds = clock.Seconds;
        if (finished)
        {
            _task.SaveFinal(_options.OutputDirectory);
            state.Save(_options.OutputDirectory);
        }
        else if (state.GlobalStep > 0)
            Save(state, optimizer, clock);
        return new TrainingResult(state.GlobalStep, finished, state.LogHistory.LastOrDefault()?.Loss);
    }

    private void Update(BatchStream<TBatch> stream, AdamW optimizer, TrainerState state, RunClock clock, LogWindow log)
    {
        using var scope = NewDisposeScope();
        for (var micro = 0; micro < _microBatches; micro++)
        {
            using var microScope = NewDisposeScope();
            var (loss, counts) = _task.Loss(stream.Next());
            (loss / Scalars.Of(_options.GradientAccumulationSteps)).backward();
            state.MicroBatches++;
            var value = loss.ToSingle();
            if (!float.IsFinite(value))
                throw new TrainingException($"The loss of update {state.GlobalStep + 1} is {value}: the run has diverged. Go on from the last checkpoint with a lower learning rate, or look for broken samples.", state.GlobalStep + 1);
            if (counts)
                log.AddLoss(value);
        }
        var parameters = optimizer.Groups.SelectMany(g => g.Parameters).Select(p => p.Value);
        log.SetGradientNorm(GradientClipping.Clip(parameters, _options.MaxGradientNorm).MoveToOuterDisposeScope());
        optimizer.Step(_schedule.Factor(state.GlobalStep, clock.Progress));
        optimizer.ClearGradients();
        state.GlobalStep++;
        state.Epoch = _order.BatchesPerEpoch is { } batches ? (double)state.MicroBatches / batches : state.MicroBatches * (double)_options.BatchSize;
        log.Steps++;
        log.Samples += _microBatches * _options.BatchSize;
    }

    private void Log(TrainerState state, RunClock clock, LogWindow log)
    {
        var entry = log.Close(state, _task.Groups.Select(g => g.LearningRate).FirstOrDefault() * _schedule.Factor(state.GlobalStep, clock.Progress));
        state.LogHistory.Add(entry);
        _options.Log?.Invoke(entry);
    }

    private void Save(TrainerState state, AdamW optimizer, RunClock clock)
    {
        state.ElapsedSeconds = clock.Seconds;
        _store.Save(state, optimizer, _task.SaveCheckpoint);
    }

    private long CountSteps()
    {
        if (_options.MaxSteps > 0)
            return _options.MaxSteps;
        if (_order.BatchesPerEpoch is { } batches)
            return (long)Math.Ceiling(_options.Epochs * Math.Max(1, batches / _options.GradientAccumulationSteps));
        return _options.MaxMinutes > 0
            ? long.MaxValue
            : throw new TrainingException("The data never ends, so the run must be told when to stop: give max_steps or max_minutes.");
    }
}
