namespace LlavaSharp.Checkpoints;

/// <summary>What a checkpoint is, from its headers alone: no weight is read, so a model of any size takes milliseconds.</summary>
public sealed record CheckpointReport
{
    /// <summary>The folder, or the file.</summary>
    public required string Folder { get; init; }

    /// <summary>What it holds.</summary>
    public required CheckpointKind Kind { get; init; }

    /// <summary>The language model; null for a vision tower and for an adapter without config.</summary>
    public ModelFamily? Family { get; init; }

    /// <summary>The LLaVA version that its config looks like (<c>v1</c>, <c>v1.5</c>, <c>v1.6</c>), or null: a guess, since files do not state it.</summary>
    public string? Version { get; init; }

    /// <summary>The conversation template by the rule that was given, or null when none was.</summary>
    public string? Template { get; init; }

    /// <summary>Whether it carries a chat template of its own.</summary>
    public bool HasChatTemplate { get; init; }

    /// <summary>What a GGUF file says of itself; null for everything else.</summary>
    public GgufReport? Gguf { get; init; }

    /// <summary>The name or path of the vision tower, or null.</summary>
    public string? VisionTower { get; init; }

    /// <summary>Where the vision tower was found, or null.</summary>
    public string? VisionTowerFolder { get; init; }

    /// <summary>Whether the checkpoint holds the tower's weights.</summary>
    public bool HasTowerInside { get; init; }

    /// <summary>Whether the tower inside is used; else the tower's own folder wins (<c>unfreeze_mm_vision_tower</c>).</summary>
    public bool UsesTowerInside { get; init; }

    /// <summary>Number of parameters by part, in the checkpoint itself.</summary>
    public required IReadOnlyDictionary<ModelPart, long> Parameters { get; init; }

    /// <summary>Number of parameters of the tower's own folder; 0 when it was not found.</summary>
    public long OutsideTowerParameters { get; init; }

    /// <summary>Number of elements by data type; empty for a GGUF file, whose types are in <see cref="Gguf"/>.</summary>
    public required IReadOnlyDictionary<StoredDataType, long> DataTypes { get; init; }

    /// <summary>The bytes of its weight files.</summary>
    public required long BytesOnDisk { get; init; }

    /// <summary>The weights' memory in bytes by type of computation: <c>float32</c>, <c>bfloat16</c>, <c>float16</c>, <c>int8</c>, <c>int4</c>; an estimate without activations; empty for a GGUF file that cannot be loaded.</summary>
    public required IReadOnlyDictionary<string, long> EstimatedMemory { get; init; }

    /// <summary>Tensors that the config asks for and the files lack.</summary>
    public IReadOnlyList<ExpectedTensor> Missing { get; init; } = [];

    /// <summary>Tensors that the files hold and the config does not ask for.</summary>
    public IReadOnlyList<StoredTensorSummary> Unexpected { get; init; } = [];

    /// <summary>Tensors of another shape than the config asks for.</summary>
    public IReadOnlyList<ShapeMismatch> MisShaped { get; init; } = [];

    /// <summary>Whether nothing is missing, unexpected or of the wrong shape.</summary>
    public bool IsSound => Missing.Count == 0 && Unexpected.Count == 0 && MisShaped.Count == 0;
}
