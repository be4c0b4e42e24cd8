namespace LlavaSharp.Checkpoints;

/// <summary>What a checkpoint folder holds, and so how it is loaded.</summary>
public enum CheckpointKind
{
    /// <summary>A whole LLaVA model: loaded on its own.</summary>
    Full,

    /// <summary>An unmerged LoRA: loaded on a base.</summary>
    LoraAdapter,

    /// <summary>A projector alone, as pretraining leaves it: loaded on a base.</summary>
    ProjectorOnly,

    /// <summary>Differences from LLaMA: the base is added first.</summary>
    Delta,

    /// <summary>A language model without projector: a base, or a model for text.</summary>
    LanguageModelOnly,

    /// <summary>A CLIP encoder.</summary>
    VisionTower,
}
