using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Imaging;
using LlavaSharp.Models;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Training;

/// <summary>A LLaVA in training, or a plain language model: network, trainable tensors, tokenizer and picture processor.</summary>
public sealed class TrainingModel : IDisposable
{
    /// <summary>Where the tower's tensors stand among the original's parameter names.</summary>
    internal const string TowerPrefix = "model.vision_tower.vision_tower.";

    private const string TowerBody = "vision_model.";

    private TrainingModel(TrainingModelOptions options, LlavaConfig config, ClipVisionConfig? vision, TrainableWeights weights, LlavaNetwork network)
    {
        (Options, Config, Vision, Weights, Network) = (options, config, vision, weights, network);
        Tokenizer = TokenizerLoader.Load(options.ModelPath);
        Processor = vision is null ? null : ClipImageProcessor.Load(options.VisionTower!);
    }

    /// <summary>What the model was made from.</summary>
    public TrainingModelOptions Options { get; }

    /// <summary>The config, with the keys of the vision modules.</summary>
    public LlavaConfig Config { get; }

    /// <summary>The tower's config, or null for a language model alone.</summary>
    public ClipVisionConfig? Vision { get; }

    /// <summary>The tensors.</summary>
    public TrainableWeights Weights { get; }

    /// <summary>The network over them.</summary>
    public LlavaNetwork Network { get; }

    /// <summary>The tokenizer of the model's folder.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The tower's picture processor, or null without a tower.</summary>
    public ClipImageProcessor? Processor { get; }

    /// <summary>Loads the parts and decides what is trained.</summary>
    /// <param name="options">Which model, and which of its parts.</param>
    /// <param name="imagesPerBatch">How many pictures go through the tower at once.</param>
    /// <exception cref="CheckpointException">A folder or tensor is missing or malformed.</exception>
    /// <exception cref="TrainingException">The parts do not go together.</exception>
    public static TrainingModel Load(TrainingModelOptions options, int imagesPerBatch = 16)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.VisionTower is null && (options.TuneProjectorOnly || options.TrainTower || options.PretrainedProjector is not null))
            throw new TrainingException("tune_mm_mlp_adapter, unfreeze_mm_vision_tower and pretrain_mm_mlp_adapter need a vision tower: name its folder with --vision_tower.");
        using var folder = CheckpointFolder.Open(options.ModelPath);
        using var tower = options.VisionTower is null ? null : CheckpointFolder.Open(options.VisionTower);
        using var projector = options.PretrainedProjector is null ? null : ProjectorFile.Open(options.PretrainedProjector);
        if (folder.Config.IsHuggingFace)
            throw new TrainingException($"'{options.ModelPath}' has the Hugging Face layout, which cannot be trained. Give a model in the original's layout, or a language model alone.");
        var vision = tower?.VisionConfig;
        var config = folder.Config.With(TrainingConfig.Keys(options, vision));
        var weights = new TrainableWeights(new ModelInitializer(options.Seed, vision, Range(config, "initializer_range") ?? 0.02, Range(config, "embedding_initializer_range")) { ProjectorOnly = !options.RandomInit });
        try
        {
            // random initial values stand in for a missing file only; weights that are there are taken
            if (folder.WeightPaths.Count > 0)
                weights.Offer(folder.Tensors.Where(t => t.Value.DataType.IsFloatingPoint()));
            else if (!options.RandomInit)
                _ = folder.Tensors;
            var towerTensors = tower is null || (tower.WeightPaths.Count == 0 && options.RandomInit) ? [] : TowerTensors(tower).ToList();
            weights.Offer(towerTensors);
            if (projector is not null)
                weights.Offer(projector.Layers.Select(layer => KeyValuePair.Create($"model.mm_projector.{layer.Key}", layer.Value)));
            var network = new LlavaNetwork(config, vision, weights, new WeightScope(weights, TowerPrefix + TowerBody.TrimEnd('.')), imagesPerBatch);
            foreach (var (name, stored) in towerTensors)
                weights.Get(name, stored.Shape);                 // layers behind the selected one belong to the tower's file as well
            weights.Train(name => IsTrained(name, options));
            return new TrainingModel(options, config, vision, weights, network);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Weights.Dispose();

    /// <summary>The tensors of a tower by their names in the original's model.</summary>
    internal static IEnumerable<KeyValuePair<string, StoredTensor>> TowerTensors(CheckpointFolder tower) =>
        VisionTensors(tower).Select(t => KeyValuePair.Create(TowerPrefix + t.Key, t.Value));

    /// <summary>The tensors of a tower by the names of its file; a whole CLIP has a text part, too, and integer position ids.</summary>
    internal static IEnumerable<KeyValuePair<string, StoredTensor>> VisionTensors(CheckpointFolder tower) =>
        tower.Tensors.Where(t => t.Key.StartsWith(TowerBody, StringComparison.Ordinal) && t.Value.DataType.IsFloatingPoint());

    private static double? Range(LlavaConfig config, string key) =>
        config.Json[key] is System.Text.Json.Nodes.JsonValue value && value.TryGetValue(out double range) && range > 0 ? range : null;

    private static bool IsTrained(string name, TrainingModelOptions options)
    {
        if (name.StartsWith(TowerPrefix, StringComparison.Ordinal))
            return options.TrainTower && !options.TuneProjectorOnly;
        if (name.Contains("mm_projector", StringComparison.Ordinal))
            return options.TuneProjectorOnly || !options.FreezeProjector;
        return !options.TuneProjectorOnly && (!options.FreezeBackbone || !name.StartsWith("model.", StringComparison.Ordinal));
    }
}
