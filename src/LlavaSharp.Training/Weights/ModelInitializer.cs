using LlavaSharp.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>
/// The initial values of a whole LLaVA: the language model normal with a small deviation, the projector as PyTorch's linear layers,
/// the vision tower as CLIP (Radford et al. 2021) scales its layers by width and depth.
/// </summary>
/// <param name="seed">Different seeds give unrelated values.</param>
/// <param name="vision">The tower's config, or null without one.</param>
/// <param name="range">The deviation of the language model's weights (<c>initializer_range</c>).</param>
/// <param name="embeddingRange">The deviation of its token embeddings; null: as <paramref name="range"/>.</param>
public sealed class ModelInitializer(long seed, ClipVisionConfig? vision, double range = 0.02, double? embeddingRange = null) : TensorInitializer(seed)
{
    /// <summary>Make values for a projector alone: language model and tower must come from checkpoints.</summary>
    public bool ProjectorOnly { get; init; }

    /// <inheritdoc/>
    public override Tensor? Create(string name, long[] shape, long inputs)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Contains("mm_projector", StringComparison.Ordinal))
            return Uniform(name, shape, 1 / Math.Sqrt(inputs));
        if (name.EndsWith("image_newline", StringComparison.Ordinal))
            return Normal(name, shape, 1 / Math.Sqrt(shape[0]));
        if (ProjectorOnly)
            return null;
        if (name.EndsWith(".bias", StringComparison.Ordinal))
            return zeros(shape, ScalarType.Float32);
        if (name.Contains("norm", StringComparison.Ordinal) && shape.Length == 1)
            return ones(shape, ScalarType.Float32);
        if (name.Contains("vision_model.", StringComparison.Ordinal))
            return CreateVision(name, shape);
        return Normal(name, shape, name.Contains("embed_tokens", StringComparison.Ordinal) ? embeddingRange ?? range : range);
    }

    private Tensor? CreateVision(string name, long[] shape)
    {
        if (vision is null)
            return null;
        double width = Math.Pow(vision.HiddenSize, -0.5), depth = Math.Pow(2.0 * vision.NumHiddenLayers, -0.5);
        return Owner(name) switch
        {
            "embeddings" => Normal(name, shape, width),
            "patch_embedding" or "position_embedding" => Normal(name, shape, 0.02),
            "q_proj" or "k_proj" or "v_proj" or "fc2" => Normal(name, shape, width * depth),
            "out_proj" => Normal(name, shape, width),
            "fc1" => Normal(name, shape, Math.Pow(2.0 * vision.HiddenSize, -0.5)),
            _ => null,
        };
    }

    private static string Owner(string name)
    {
        var parts = name.Split('.');
        return parts.Length > 1 ? parts[^2] : "";
    }
}
