namespace LlavaSharp.Checkpoints;

/// <summary>The parts of a LLaVA model.</summary>
public enum ModelPart
{
    /// <summary>The language model, embeddings included.</summary>
    LanguageModel,

    /// <summary>The projector from image features to embeddings.</summary>
    Projector,

    /// <summary>The embedding that ends a row of image features.</summary>
    ImageNewline,

    /// <summary>The vision encoder.</summary>
    VisionTower,
}
