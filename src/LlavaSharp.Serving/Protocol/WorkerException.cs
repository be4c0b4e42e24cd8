namespace LlavaSharp.Serving.Protocol;

/// <summary>A worker cannot be reached, fell silent, or answered something else than the protocol says.</summary>
internal sealed class WorkerException(string message, Exception? innerException = null, WorkerProblem problem = WorkerProblem.Unreachable) : LlavaException(message, innerException)
{
    /// <summary>Which of the three.</summary>
    public WorkerProblem Problem { get; } = problem;
}
