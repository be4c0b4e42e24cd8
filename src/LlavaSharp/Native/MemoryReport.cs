namespace LlavaSharp.Native;

/// <summary>The main memory, in bytes.</summary>
public sealed record MemoryReport
{
    /// <summary>All memory of the machine.</summary>
    public required long Total { get; init; }

    /// <summary>What is free or can be freed at once; null when the system does not say.</summary>
    public long? Available { get; init; }

    /// <summary>The limit that the container (cgroup) sets, or null when it sets none below <see cref="Total"/>.</summary>
    public long? ContainerLimit { get; init; }

    /// <summary>What the container already uses of its limit, or null without a limit.</summary>
    public long? ContainerUsage { get; init; }

    /// <summary>What this process may still take: the lesser of what is available and what the container has left.</summary>
    public long Free => Math.Min(Available ?? Total, ContainerLimit is { } limit ? Math.Max(0, limit - (ContainerUsage ?? 0)) : long.MaxValue);
}
