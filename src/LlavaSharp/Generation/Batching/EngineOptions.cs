namespace LlavaSharp.Generation.Batching;

/// <summary>How a <see cref="BatchingEngine"/> works.</summary>
public sealed record EngineOptions
{
    /// <summary>The most requests that are computed together.</summary>
    public int MaxRunning { get; init; } = 16;

    /// <summary>The most requests that wait; more are refused with <see cref="EngineBusyException"/>.</summary>
    public int MaxWaiting { get; init; } = 256;

    /// <summary>How long a request may wait for its turn; null: as long as its caller does.</summary>
    public TimeSpan? QueueTimeout { get; init; }

    /// <summary>The memory for keys and values, in bytes; null: for <see cref="MaxRunning"/> full contexts, but at most 30 % of the memory that is free when the engine starts.</summary>
    public long? CacheBytes { get; init; }

    /// <summary>How keys and values are kept; null: on a CPU as integers, of 16 bits unless the model was loaded with a cache of 8, on a GPU as computed.</summary>
    public KeyValueFormat? CacheFormat { get; init; }

    /// <summary>Positions in a page of the cache, a multiple of 8. Beginnings of prompts are shared by whole pages.</summary>
    public int PagePositions { get; init; } = 64;

    /// <summary>Whether prompts that begin alike share what was computed for the beginning.</summary>
    public bool PrefixCache { get; init; } = true;

    /// <summary>How many times longer than usual a step may become by a part of a prompt that is computed beside running answers.</summary>
    public double Stretch { get; init; } = 2;

    /// <summary>The fewest positions of prompts in a step.</summary>
    public int MinChunk { get; init; } = 16;

    /// <summary>The most positions of prompts in a step.</summary>
    public int MaxChunk { get; init; } = 512;

    /// <summary>Tells the time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Told what happens, on the engine's thread.</summary>
    public IEngineObserver? Observer { get; init; }

    /// <summary>Checks every value.</summary>
    /// <exception cref="GenerationException">A value is out of range.</exception>
    internal void Validate()
    {
        Require(MaxRunning >= 1, $"{nameof(MaxRunning)} is {MaxRunning}: give 1 or more.");
        Require(MaxWaiting >= 0, $"{nameof(MaxWaiting)} is {MaxWaiting}: give 0 or more.");
        Require(QueueTimeout is null || QueueTimeout > TimeSpan.Zero, $"{nameof(QueueTimeout)} is {QueueTimeout}: give a positive time.");
        Require(CacheBytes is null or > 0, $"{nameof(CacheBytes)} is {CacheBytes}: give a positive number.");
        Require(PagePositions >= 8 && PagePositions % 8 == 0, $"{nameof(PagePositions)} is {PagePositions}: give a multiple of 8.");
        Require(Stretch > 1 && double.IsFinite(Stretch), $"{nameof(Stretch)} is {Stretch}: give a number above 1.");
        Require(MinChunk >= 1 && MinChunk <= MaxChunk, $"{nameof(MinChunk)} is {MinChunk} and {nameof(MaxChunk)} {MaxChunk}: give 1 or more, and not more than the most.");
    }

    private static void Require(bool holds, string problem)
    {
        if (!holds)
            throw new GenerationException(problem);
    }
}
