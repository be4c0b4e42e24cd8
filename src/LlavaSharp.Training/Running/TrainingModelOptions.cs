using LlavaSharp.Checkpoints;

namespace LlavaSharp.Training;

/// <summary>Which model is trained, and which of its parts; the names and defaults are those of the original's trainer.</summary>
public sealed record TrainingModelOptions
{
    /// <summary>The folder of the model to start from; with <see cref="RandomInit"/> it needs only a config and a tokenizer.</summary>
    public required string ModelPath { get; init; }

    /// <summary>Start the language model (and the tower, if it has no weights) from random values.</summary>
    public bool RandomInit { get; init; }

    /// <summary>The folder of the vision tower; null: the language model alone is trained.</summary>
    public string? VisionTower { get; init; }

    /// <summary>Which hidden state of the tower is taken.</summary>
    public int VisionSelectLayer { get; init; } = -1;

    /// <summary><c>patch</c> or <c>cls_patch</c>.</summary>
    public string VisionSelectFeature { get; init; } = "patch";

    /// <summary>The form of the projector.</summary>
    public string ProjectorType { get; init; } = "linear";

    /// <summary>A projector's file from the first stage, or null.</summary>
    public string? PretrainedProjector { get; init; }

    /// <summary>Train the projector alone.</summary>
    public bool TuneProjectorOnly { get; init; }

    /// <summary>Leave the projector as it is.</summary>
    public bool FreezeProjector { get; init; }

    /// <summary>Leave the language model's body as it is.</summary>
    public bool FreezeBackbone { get; init; }

    /// <summary>Train the vision tower, too.</summary>
    public bool TrainTower { get; init; }

    /// <summary>The base learning rate.</summary>
    public double LearningRate { get; init; } = 5e-5;

    /// <summary>The projector's own rate, or null.</summary>
    public double? ProjectorLearningRate { get; init; }

    /// <summary>The tower's own rate, or null.</summary>
    public double? TowerLearningRate { get; init; }

    /// <summary>The decay of weights that are neither norms nor biases.</summary>
    public double WeightDecay { get; init; }

    /// <summary>How pictures are made square: <c>pad</c>, or anything else for the plain processor.</summary>
    public string ImageAspectRatio { get; init; } = "square";

    /// <summary>Sequences are cut to this length.</summary>
    public int ModelMaxLength { get; init; } = 512;

    /// <summary>The conversation format.</summary>
    public string Version { get; init; } = "v0";

    /// <summary>The seed of random initial values.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>The format of the finished model's numbers.</summary>
    public StoredDataType SaveType { get; init; } = StoredDataType.Float32;
}
