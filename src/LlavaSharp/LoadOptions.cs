using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;

namespace LlavaSharp;

/// <summary>How a checkpoint is loaded. Everything has a default.</summary>
public sealed record LoadOptions
{
    /// <summary>The language model that an adapter or a projector belongs to (a folder or hub id); null when the checkpoint is whole.</summary>
    public string? ModelBase { get; init; }

    /// <summary>The name by which the original's rules choose a conversation template; null: the last part of the path.</summary>
    public string? ModelName { get; init; }

    /// <summary><c>auto</c>, <c>cpu</c>, <c>cuda</c>, <c>cuda:N</c> or <c>mps</c>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// <c>auto</c>, <c>float32</c>, <c>bfloat16</c> or <c>float16</c>. Auto takes the checkpoint's type on a GPU; on a CPU float32 if twice the
    /// weights fit in 60 % of the free memory, else bfloat16.
    /// </summary>
    public string DataType { get; init; } = "auto";

    /// <summary>The data type of a vision tower that lies outside the checkpoint; null: float32 on a GPU as in the original, the type of computation on a CPU.</summary>
    public string? VisionTowerDataType { get; init; }

    /// <summary>The number of threads for computation; null leaves libtorch's own choice (one for each core).</summary>
    public int? Threads { get; init; }

    /// <summary>Never ask a hub: only what lies on this machine.</summary>
    public bool Offline { get; init; }

    /// <summary>Read every weight once and refuse NaN and infinity.</summary>
    public bool CheckFiniteWeights { get; init; } = true;

    /// <summary>How pixel values are rounded.</summary>
    public PixelRounding PixelRounding { get; init; }

    /// <summary>Single values that replace those of <c>config.json</c>; null is a value.</summary>
    public IReadOnlyDictionary<string, JsonNode?> ConfigOverrides { get; init; } = new Dictionary<string, JsonNode?>();

    /// <summary>Which faults of the original are reproduced.</summary>
    public CompatibilityOptions Compatibility { get; init; } = CompatibilityOptions.Mended;

    /// <summary>Tells the time to chat templates that write the date.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Told in one line each what was decided while loading (such as the data type).</summary>
    public Action<string>? Notice { get; init; }

    /// <summary>The hub and its local cache, as the environment says.</summary>
    internal HubOptions Hub()
    {
        var hub = HubOptions.FromEnvironment();
        return hub with { Offline = hub.Offline || Offline };
    }
}
