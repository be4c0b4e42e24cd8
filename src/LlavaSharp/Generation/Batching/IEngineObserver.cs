namespace LlavaSharp.Generation.Batching;

/// <summary>Told what a <see cref="BatchingEngine"/> does. Called on its thread: be quick, and do not throw.</summary>
public interface IEngineObserver
{
    /// <summary>After each step.</summary>
    void Stepped(EngineStatistics statistics);

    /// <summary>A request's first token.</summary>
    /// <param name="sinceRequest">From when the request came.</param>
    void FirstToken(TimeSpan sinceRequest);

    /// <summary>A later token.</summary>
    /// <param name="sinceLast">From the token before it.</param>
    void Token(TimeSpan sinceLast);

    /// <summary>A request was answered.</summary>
    void Finished(GenerationResult result);

    /// <summary>A request ended without an answer: cancelled, timed out or failed.</summary>
    void Ended(Exception reason);
}
