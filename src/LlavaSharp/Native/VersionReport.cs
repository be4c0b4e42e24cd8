using System.Text.Json.Serialization;

namespace LlavaSharp.Native;

/// <summary>What runs: the system, .NET and the libraries.</summary>
public sealed record VersionReport
{
    /// <summary>The operating system, as it names itself.</summary>
    public required string OperatingSystem { get; init; }

    /// <summary>The platform in NuGet's words, such as <c>linux-x64</c>.</summary>
    public required string Platform { get; init; }

    /// <summary>The .NET runtime, such as <c>.NET 10.0.12</c>.</summary>
    [JsonPropertyName("dotnet")]
    public required string DotNet { get; init; }

    /// <summary>This library's version.</summary>
    [JsonPropertyName("llavasharp")]
    public required string LlavaSharp { get; init; }

    /// <summary>TorchSharp's version.</summary>
    [JsonPropertyName("torchsharp")]
    public required string TorchSharp { get; init; }

    /// <summary>The version of the libtorch that was loaded, as it says itself; null when none could be.</summary>
    [JsonPropertyName("libtorch")]
    public string? LibTorch { get; init; }

    /// <summary>The version of SkiaSharp's native part; null when it cannot be loaded.</summary>
    [JsonPropertyName("skiasharp_native")]
    public string? SkiaSharpNative { get; init; }
}
