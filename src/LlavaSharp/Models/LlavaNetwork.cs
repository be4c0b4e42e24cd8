using LlavaSharp.Checkpoints;
using LlavaSharp.Imaging;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>
/// LLaVA (Liu et al. 2023): a vision tower, a projector and a language model, and the step that puts image features in the place of their markers.
/// One definition serves inference and training; without a tower it is the plain language model.
/// </summary>
public sealed class LlavaNetwork
{
    private readonly int _imagesPerBatch;
    private readonly Tensor? _imageNewline;   // [C]

    /// <summary>Builds the network.</summary>
    /// <param name="config">The checkpoint's config.</param>
    /// <param name="vision">The tower's config; null when the config names no tower.</param>
    /// <param name="weights">The checkpoint's tensors.</param>
    /// <param name="towerWeights">The scope that holds the tower's "embeddings" and "encoder": inside the checkpoint or in its own folder.</param>
    /// <param name="imagesPerBatch">How many pictures or tiles go through the tower at once.</param>
    public LlavaNetwork(LlavaConfig config, ClipVisionConfig? vision, IWeightSource weights, WeightScope towerWeights, int imagesPerBatch = 16)
    {
        Config = config;
        _imagesPerBatch = imagesPerBatch;
        Language = LanguageModels.Create(config, new WeightScope(weights));
        if (vision is null)
            return;
        var body = new WeightScope(weights)[config.Family == ModelFamily.Mpt ? "transformer" : "model"];
        Tower = new ClipVisionTower(vision, towerWeights, config.MmVisionSelectLayer!.Value, config.MmVisionSelectFeature);
        Projector = new Projector(config.MmProjectorType, config.MmHiddenSize!.Value, config.HiddenSize, body["mm_projector"]);
        if (config.MmPatchMergeType.Contains("unpad", StringComparison.Ordinal))
            _imageNewline = body["image_newline"].Tensor(config.HiddenSize);
        _ = TileMerger.Kind(config.MmPatchMergeType);
    }

    /// <summary>The checkpoint's config.</summary>
    public LlavaConfig Config { get; }

    /// <summary>The language model.</summary>
    public CausalLanguageModel Language { get; }

    /// <summary>The vision tower, or null for a plain language model.</summary>
    public ClipVisionTower? Tower { get; }

    /// <summary>The projector, or null for a plain language model.</summary>
    public Projector? Projector { get; }

    /// <summary>Tower and projector.</summary>
    /// <param name="pixelValues">[N, 3, S, S].</param>
    /// <param name="projector">Another projector; null: the network's own.</param>
    /// <returns>[N, P, C]: projected features of every picture or tile.</returns>
    public Tensor Encode(Tensor pixelValues, Projector? projector = null)
    {
        using var scope = NewDisposeScope();
        var parts = pixelValues.split(_imagesPerBatch, 0).Select(part => (projector ?? Projector!).Forward(Tower!.Forward(part))).ToList();
        return (parts.Count == 1 ? parts[0] : cat(parts, 0)).MoveToOuterDisposeScope();
    }

    /// <summary>Encodes pictures and merges the tiles of each.</summary>
    /// <param name="pixelValues">One entry per picture.</param>
    /// <param name="type">The type in which the language model computes.</param>
    /// <param name="device">Where the network is.</param>
    /// <param name="rounding">How pixel values are rounded first.</param>
    /// <param name="projector">Another projector; null: the network's own.</param>
    /// <returns>Per picture [features, C].</returns>
    public IReadOnlyList<Tensor> EncodeImages(
        IReadOnlyList<PixelValues> pixelValues, ScalarType type, Device device, PixelRounding rounding = PixelRounding.None, Projector? projector = null)
    {
        if (pixelValues.Count == 0)
            return [];
        using var scope = NewDisposeScope();
        var encoded = Encode(Pixels(pixelValues, type, device, rounding), projector);                    // [tiles, P, C]
        var merged = MergeTiles(encoded, pixelValues);
        foreach (var features in merged)
            features.MoveToOuterDisposeScope();
        return merged;
    }

    /// <summary>Pixel values of pictures as the tower takes them: [tiles of all pictures, 3, S, S].</summary>
    internal static Tensor Pixels(IReadOnlyList<PixelValues> pixelValues, ScalarType type, Device device, PixelRounding rounding)
    {
        using var scope = NewDisposeScope();
        var pixels = cat([.. pixelValues.Select(p => tensor(p.Data, [p.Tiles, 3, p.Height, p.Width]))], 0);                   // [tiles, 3, S, S]
        if (rounding != PixelRounding.None)
            pixels = pixels.to(rounding == PixelRounding.Float16 ? ScalarType.Float16 : ScalarType.BFloat16);
        return pixels.to(type, device).MoveToOuterDisposeScope();
    }

    /// <summary>Makes one run of features of the tiles of each picture.</summary>
    /// <param name="encoded">[tiles of all pictures, P, C].</param>
    /// <param name="pixelValues">The pictures that the tiles belong to.</param>
    /// <returns>Per picture [features, C].</returns>
    public IReadOnlyList<Tensor> MergeTiles(Tensor encoded, IReadOnlyList<PixelValues> pixelValues)
    {
        var merged = new List<Tensor>(pixelValues.Count);
        long next = 0;
        foreach (var picture in pixelValues)
        {
            var tiles = encoded.narrow(0, next, picture.Tiles);                                         // [T, P, C]
            merged.Add(picture.HasTileAxis
                ? TileMerger.Merge(tiles, Config, Tower!.PatchesPerSide, picture, _imageNewline)         // [features, C]
                : tiles.squeeze(0));                                                                     // [P, C]
            next += picture.Tiles;
        }
        return merged;
    }

    /// <summary>How many positions a picture takes, without computing its features.</summary>
    public int FeatureCount(PixelValues picture) =>
        picture.HasTileAxis ? TileMerger.Count(Config, Tower!.PatchesPerSide, Tower.FeaturesPerImage, picture) : Tower!.FeaturesPerImage;

    /// <summary>Puts features in the place of their markers.</summary>
    /// <param name="ids">The ids of each row, unpadded; -200 marks a picture.</param>
    /// <param name="labels">Labels of each row, or null.</param>
    /// <param name="features">Per picture [features, C], in order over the whole batch.</param>
    /// <param name="device">Where the network is.</param>
    /// <param name="padLeft">The padding side; null: as the config says.</param>
    /// <param name="compatibility">Which faults of the original are reproduced.</param>
    /// <exception cref="ImageCountException">Fewer pictures than the rows need.</exception>
    public MergedBatch Merge(
        IReadOnlyList<int[]> ids, IReadOnlyList<long[]>? labels, IReadOnlyList<Tensor> features, Device device,
        bool? padLeft = null, CompatibilityOptions? compatibility = null)
    {
        if (compatibility is { StartEndTokensRefuseTunedProjector: true } && Config is { TuneMmMlpAdapter: true, MmUseImStartEnd: true } && features.Count > 0)
            throw new LlavaException("The original cannot merge pictures when config.json says both tune_mm_mlp_adapter and mm_use_im_start_end (Q8). Leave --original-quirks off.");
        var plan = MergePlan.Create(ids, labels, [.. features.Select(f => (int)f.shape[0])], Config.TokenizerModelMaxLength, padLeft ?? Config.TokenizerPaddingSide == "left");
        using var scope = NewDisposeScope();
        var text = plan.Rows.SelectMany(row => row.Segments.Where(s => s.Image < 0).SelectMany(s => row.Ids.AsSpan(s.Start, s.Count).ToArray())).Select(id => (long)id).ToArray();
        var embedded = Language.Embed(tensor(text, device: device));                     // [all text, C]
        var rows = new List<Tensor>(plan.Rows.Count);
        long next = 0;
        foreach (var row in plan.Rows)
        {
            var pieces = new List<Tensor>(row.Segments.Length);
            foreach (var segment in row.Segments)
            {
                if (segment.Image >= 0)
                {
                    pieces.Add(features[segment.Image].narrow(0, 0, segment.Count));     // [P, C]; none for a row without marker, which keeps the gradient connected
                    continue;
                }
                pieces.Add(embedded.narrow(0, next, segment.Count));                     // [t, C]
                next += segment.Count;
            }
            var merged = (pieces.Count == 1 ? pieces[0] : cat(pieces, 0)).narrow(0, 0, row.Length);
            if (row.Length < plan.Length)
            {
                var padding = zeros(plan.Length - row.Length, merged.shape[1], merged.dtype, merged.device);
                merged = cat(plan.PadLeft ? [padding, merged] : [merged, padding], 0);
            }
            rows.Add(merged);                                                            // [T, C]
        }
        var embeddings = rows.Count == 1 ? rows[0].unsqueeze(0) : stack(rows);           // [B, T, C]
        return new MergedBatch(plan,
            embeddings.DetachFromDisposeScope(),
            Positions(plan, device).DetachFromDisposeScope(),
            plan.HasPadding ? Visible(plan, device).DetachFromDisposeScope() : null,
            Labels(plan, device).DetachFromDisposeScope());
    }

    /// <summary>The next-token cross-entropy of merged rows: in float32, the mean over positions whose label is not -100 (NaN when there is none).</summary>
    /// <returns>A scalar.</returns>
    public Tensor Loss(MergedBatch batch)
    {
        using var scope = NewDisposeScope();
        // behind right padding nothing is looked at: the causal order alone hides it, and positions count on without harm
        var (positions, visible) = batch.Plan.PadLeft
            ? (batch.Positions, batch.Visible)
            : (arange(Scalars.Of(0), Scalars.Of(batch.Plan.Length), ScalarType.Int64, device: batch.Embeddings.device).unsqueeze(0), null);
        var hidden = Language.Forward(batch.Embeddings, positions, visible);                                      // [B, T, C]
        var labels = batch.Labels.narrow(1, 1, batch.Labels.shape[1] - 1).reshape(-1).to(hidden.device);          // [B * (T - 1)]
        var states = hidden.narrow(1, 0, hidden.shape[1] - 1).reshape(-1, hidden.shape[2]);                       // [B * (T - 1), C]
        // only learned positions need logits: the vocabulary is by far the widest dimension
        var learned = labels.ne(Scalars.Of(Prompts.LlavaConstants.IgnoreIndex)).nonzero().squeeze(-1);                        // [n]
        var logits = Language.Logits(states.index_select(0, learned)).to(ScalarType.Float32);                     // [n, V]
        return nn.functional.cross_entropy(logits, labels.index_select(0, learned).to(logits.device)).MoveToOuterDisposeScope();
    }

    private static Tensor Positions(MergePlan plan, Device device)
    {
        if (!plan.HasPadding)
            return arange(Scalars.Of(0), Scalars.Of(plan.Length), ScalarType.Int64, device: device).unsqueeze(0);                         // [1, T]
        return tensor(Table(plan, (row, i) => (long)i, 0L), [plan.Rows.Count, plan.Length], device: device);      // [B, T]
    }

    private static Tensor Visible(MergePlan plan, Device device) =>
        tensor(Table(plan, (_, _) => true, false), [plan.Rows.Count, plan.Length], device: device);               // [B, T]

    private static Tensor Labels(MergePlan plan, Device device) =>
        tensor(Table(plan, (row, i) => row.Labels[i], (long)Prompts.LlavaConstants.IgnoreIndex), [plan.Rows.Count, plan.Length], device: device);   // [B, T]

    private static T[] Table<T>(MergePlan plan, Func<MergePlan.Row, int, T> value, T padding)
    {
        var table = new T[plan.Rows.Count * plan.Length];
        Array.Fill(table, padding);
        for (var r = 0; r < plan.Rows.Count; r++)
        {
            var row = plan.Rows[r];
            var start = r * plan.Length + (plan.PadLeft ? plan.Length - row.Length : 0);
            for (var i = 0; i < row.Length; i++)
                table[start + i] = value(row, i);
        }
        return table;
    }
}
