namespace LlavaSharp.Native;

/// <summary>What <see cref="TorchRuntime.Initialize"/> found and did.</summary>
public sealed record TorchRuntimeReport
{
    /// <summary>The folder of libtorch's files.</summary>
    public required string TorchFolder { get; init; }

    /// <summary>The file of TorchSharp's own native part, as it came with the application.</summary>
    public required string BindingFile { get; init; }

    /// <summary>The file that was loaded for it: the same, or the patched copy.</summary>
    public required string LoadedBindingFile { get; init; }

    /// <summary>The system's C++ library that the decision was made on, or null where there is none to check.</summary>
    public string? SystemCppLibrary { get; init; }

    /// <summary>The symbol versions that the system lacks and that were marked as weak in the copy; empty when no patch was needed.</summary>
    public IReadOnlyList<string> PatchedVersions { get; init; } = [];

    /// <summary>The libtorch files that were loaded, in order.</summary>
    public required IReadOnlyList<string> Loaded { get; init; }

    /// <summary>What a user should know, such as a cache folder that cannot be written; usually empty.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}
