namespace LlavaSharp.Native;

/// <summary>A device that tensors could live on.</summary>
public sealed record DeviceReport
{
    /// <summary>The name to pass as <c>--device</c>: <c>cpu</c>, <c>cuda:0</c>, <c>mps</c>.</summary>
    public required string Device { get; init; }

    /// <summary>The hardware's name.</summary>
    public required string Name { get; init; }

    /// <summary>The device's memory in bytes, or null where it is the machine's.</summary>
    public long? Memory { get; init; }

    /// <summary>The CUDA compute capability, such as <c>9.0</c>, or null for other devices.</summary>
    public string? ComputeCapability { get; init; }

    /// <summary>Whether the libtorch that was loaded can use it.</summary>
    public required bool IsUsable { get; init; }
}
