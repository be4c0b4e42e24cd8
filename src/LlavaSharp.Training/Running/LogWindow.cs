using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>What happened since the last line of the log.</summary>
internal sealed class LogWindow(RunClock clock)
{
    private double _start = clock.Seconds;
    private double _lossSum;
    private long _losses;
    private Tensor? _gradientNorm;

    public long Steps { get; set; }

    public long Samples { get; set; }

    public void AddLoss(double loss)
    {
        _lossSum += loss;
        _losses++;
    }

    /// <summary>Keeps the norm where it is; it is read when the line is written.</summary>
    public void SetGradientNorm(Tensor norm)
    {
        _gradientNorm?.Dispose();
        _gradientNorm = norm;
    }

    public TrainingLogEntry Close(TrainerState state, double nextRate)
    {
        var now = clock.Seconds;
        var entry = new TrainingLogEntry
        {
            Step = state.GlobalStep,
            Epoch = Math.Round(state.Epoch, 4),
            Loss = _losses > 0 ? Math.Round(_lossSum / _losses, 4) : null,
            LearningRate = nextRate,
            GradientNorm = _gradientNorm?.ToSingle() ?? 0,
            SamplesPerSecond = Math.Round(Samples / Math.Max(1e-9, now - _start), 2),
            ElapsedSeconds = Math.Round(now, 1),
        };
        SetGradientNormNull();
        (_start, _lossSum, _losses, Steps, Samples) = (now, 0, 0, 0, 0);
        return entry;
    }

    private void SetGradientNormNull()
    {
        _gradientNorm?.Dispose();
        _gradientNorm = null;
    }
}
