namespace LlavaSharp.Native;

/// <summary>What this machine offers to LlavaSharp; made by <see cref="Doctor.Inspect"/>.</summary>
public sealed record MachineReport
{
    /// <summary>The system, .NET and the libraries.</summary>
    public required VersionReport Versions { get; init; }

    /// <summary>The processor.</summary>
    public required CpuReport Cpu { get; init; }

    /// <summary>The main memory.</summary>
    public required MemoryReport Memory { get; init; }

    /// <summary>The devices found, usable or not.</summary>
    public required IReadOnlyList<DeviceReport> Devices { get; init; }

    /// <summary>How the native files were found and loaded, or null when that failed.</summary>
    public TorchRuntimeReport? Torch { get; init; }

    /// <summary>The threads that libtorch uses within an operation, or null when it was not loaded.</summary>
    public int? TorchThreads { get; init; }

    /// <summary>The settings of OpenMP and MKL that the environment holds, such as <c>OMP_NUM_THREADS</c>.</summary>
    public required IReadOnlyDictionary<string, string> OpenMpSettings { get; init; }

    /// <summary>The cache folder (see <see cref="Native.CacheFolder"/>).</summary>
    public required string CacheFolder { get; init; }

    /// <summary>The folder of the embedded model, or null when it is not there.</summary>
    public string? EmbeddedModel { get; init; }

    /// <summary>What stands in the way, with advice; empty when all is well.</summary>
    public required IReadOnlyList<MachineProblem> Problems { get; init; }
}
