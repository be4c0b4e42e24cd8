namespace LlavaSharp.Serving.Controller;

/// <summary>How a controller runs. Names and defaults are those of the original's <c>llava.serve.controller</c>.</summary>
public sealed record ControllerOptions
{
    /// <summary>The name or number that it listens at.</summary>
    public string Host { get; init; } = "localhost";

    /// <summary>The port; 0 takes a free one.</summary>
    public int Port { get; init; } = 21001;

    /// <summary>How a worker is chosen.</summary>
    public DispatchMethod DispatchMethod { get; init; } = DispatchMethod.ShortestQueue;

    /// <summary>Q19: behind the frame that says that no worker has the model comes another that says that it cannot be reached.</summary>
    public bool SecondErrorFrame { get; init; }

    /// <summary>What workers must know to register and to send heartbeats (the header <c>X-Llava-Worker-Secret</c>); null: nothing, as in the original.</summary>
    public string? WorkerSecret { get; init; }

    /// <summary>So long a worker's heartbeats may fail to come before it is forgotten (the original's <c>CONTROLLER_HEART_BEAT_EXPIRATION</c>).</summary>
    public TimeSpan HeartBeatExpiration { get; init; } = WorkerRegistry.DefaultExpiration;

    /// <summary>So long a worker may be silent in its answer before it counts as unreachable.</summary>
    public TimeSpan WorkerPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The most bytes of a request; pictures are in it, as base64.</summary>
    public long MaxBodyBytes { get; init; } = 64 << 20;

    /// <summary>What time it is.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What the lottery draws with.</summary>
    public Random Random { get; init; } = Random.Shared;
}
