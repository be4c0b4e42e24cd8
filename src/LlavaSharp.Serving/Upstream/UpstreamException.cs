namespace LlavaSharp.Serving.Upstream;

/// <summary>A server that answers for a worker cannot be reached, refuses, or says something else than OpenAI's interface does.</summary>
public sealed class UpstreamException : LlavaException
{
    /// <summary>Creates the error.</summary>
    /// <param name="problem">What is wrong.</param>
    /// <param name="message">What is wrong in words, and what to do.</param>
    /// <param name="status">The status of its reply; null: there was none, or it was in order.</param>
    /// <param name="innerException">The error behind it.</param>
    public UpstreamException(UpstreamProblem problem, string message, int? status = null, Exception? innerException = null)
        : base(message, innerException) => (Problem, Status) = (problem, status);

    /// <summary>What is wrong.</summary>
    public UpstreamProblem Problem { get; }

    /// <summary>The status of its reply; null: there was none, or it was in order.</summary>
    public int? Status { get; }
}
