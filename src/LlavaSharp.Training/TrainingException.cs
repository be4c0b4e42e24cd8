namespace LlavaSharp.Training;

/// <summary>A training run that cannot start or go on: what was wrong, where, and what to do.</summary>
public sealed class TrainingException : LlavaException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What was wrong and what to do.</param>
    /// <param name="step">The update at fault, counted from 1, or null.</param>
    /// <param name="innerException">The error behind it.</param>
    public TrainingException(string message, long? step = null, Exception? innerException = null)
        : base(message, innerException) => Step = step;

    /// <summary>The update at fault, counted from 1, or null when it is none.</summary>
    public long? Step { get; }
}
