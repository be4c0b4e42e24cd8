using LlavaSharp.Checkpoints;
using LlavaSharp.Imaging;
using LlavaSharp.Tokenizers;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A checkpoint whose files are open and whose parts are known, before a network is built over them.</summary>
internal sealed record OpenedCheckpoint
{
    /// <summary>What the files contribute.</summary>
    public required CheckpointParts Parts { get; init; }

    /// <summary>The config, with the overrides, and with as many rows of embeddings as the tokenizer has tokens.</summary>
    public required LlavaConfig Config { get; init; }

    /// <summary>The tokenizer, with the tokens that the config asks for.</summary>
    public required Tokenizer Tokenizer { get; init; }

    /// <summary>The tensors, with projector and adapter in place.</summary>
    public required CheckpointWeights Weights { get; init; }

    /// <summary>The tower's config; null without a tower.</summary>
    public ClipVisionConfig? Vision { get; init; }

    /// <summary>Where the tower's "embeddings" and "encoder" lie.</summary>
    public WeightScope TowerScope { get; init; }

    /// <summary>The tower's folder; null without a tower.</summary>
    public string? TowerFolder { get; init; }

    /// <summary>What turns pictures into pixel values; null without a tower.</summary>
    public ClipImageProcessor? ImageProcessor { get; init; }

    /// <summary>The type of computation.</summary>
    public required ScalarType Type { get; init; }

    /// <summary>The devices of computation.</summary>
    public required DeviceMap Devices { get; init; }

    /// <summary>The tower's tensors where they lie outside the checkpoint.</summary>
    public CheckpointWeights? TowerWeights => TowerScope.Source is CheckpointWeights tower && tower != Weights ? tower : null;
}
