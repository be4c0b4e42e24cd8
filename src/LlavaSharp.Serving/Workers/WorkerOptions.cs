namespace LlavaSharp.Serving.Workers;

/// <summary>How a worker runs. Names and defaults are those of the original's <c>llava.serve.model_worker</c>.</summary>
public sealed record WorkerOptions
{
    /// <summary>The name or number that it listens at.</summary>
    public string Host { get; init; } = "localhost";

    /// <summary>The port; 0 takes a free one.</summary>
    public int Port { get; init; } = 21002;

    /// <summary>The address under which it registers; null: where it listens.</summary>
    public string? WorkerAddress { get; init; }

    /// <summary>The controller with which it registers.</summary>
    public string ControllerAddress { get; init; } = "http://localhost:21001";

    /// <summary>What the controller wants workers to know; null: nothing.</summary>
    public string? WorkerSecret { get; init; }

    /// <summary>Whether it registers, and sends heartbeats.</summary>
    public bool Register { get; init; } = true;

    /// <summary>How many requests are answered at once; further ones wait.</summary>
    public int LimitModelConcurrency { get; init; } = 5;

    /// <summary>Its share of the work, in comparison with other workers.</summary>
    public double Speed { get; init; } = 1;

    /// <summary>Which faults of the original are reproduced.</summary>
    public WorkerQuirks Quirks { get; init; } = WorkerQuirks.Mended;

    /// <summary>The time between heartbeats (the original's <c>WORKER_HEART_BEAT_INTERVAL</c>).</summary>
    public TimeSpan HeartBeatInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>So long the controller may take to answer.</summary>
    public TimeSpan ControllerPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The most bytes of a request; pictures are in it, as base64.</summary>
    public long MaxBodyBytes { get; init; } = 64 << 20;

    /// <summary>What time it is.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Checks every value.</summary>
    /// <exception cref="ServingException">A value is out of range.</exception>
    internal void Validate()
    {
        if (LimitModelConcurrency < 1)
            throw new ServingException($"{LimitModelConcurrency} requests at once are too few: give 1 or more (--limit-model-concurrency).");
        if (Register && !(Uri.TryCreate(ControllerAddress, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
            throw new ServingException($"'{ControllerAddress}' is no address of a controller: it must begin with http:// or https:// (--controller-address).");
    }
}
