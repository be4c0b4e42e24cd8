using LlavaSharp.Serving.OpenAi;
using LlavaSharp.Serving.Security;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Serving.Hosting;

/// <summary>How a server of everything runs.</summary>
public sealed record LlavaServerOptions
{
    /// <summary>The name or number that it listens at.</summary>
    public string Host { get; init; } = "localhost";

    /// <summary>The port; 0 takes a free one.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>How many requests of the original's protocol are answered at once; the engine has a limit of its own for all.</summary>
    public int LimitModelConcurrency { get; init; } = 16;

    /// <summary>What workers elsewhere must know to be taken in; null: nothing, as in the original.</summary>
    public string? WorkerSecret { get; init; }

    /// <summary>The keys that clients must have; null: everybody is served.</summary>
    public ApiKeys? ApiKeys { get; init; }

    /// <summary>The most requests of a key (without keys: of an address) in a minute; null: any number.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Which faults of the original's workers are reproduced.</summary>
    public WorkerQuirks Quirks { get; init; } = WorkerQuirks.Mended;

    /// <summary>The limits of the interfaces of OpenAI and Ollama.</summary>
    public OpenAiOptions OpenAi { get; init; } = new();

    /// <summary>The page at the server's root; null: none.</summary>
    public IServerPage? Page { get; init; }

    /// <summary>Whether <c>/metrics</c> tells Prometheus how the server does.</summary>
    public bool Metrics { get; init; } = true;

    /// <summary>The most bytes of a request; pictures are in it, as base64.</summary>
    public long MaxBodyBytes { get; init; } = 64 << 20;

    /// <summary>What time it is.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
