using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.Prompts;
using LlavaSharp.Quantization;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Checkpoints;

/// <summary>Makes the report behind <c>llava inspect</c>.</summary>
public static class CheckpointInspector
{
    /// <summary>Looks at a checkpoint's headers.</summary>
    /// <param name="path">The checkpoint's folder, or a GGUF file.</param>
    /// <param name="locator">Finds its vision tower on this machine; null: look in the usual places, without a hub.</param>
    /// <param name="inferTemplate">The rule that gives a conversation template's name for a model's name, and for whether its files hold a chat template; null: leave it out.</param>
    /// <param name="isDelta">Whether the user says that the weights are a delta.</param>
    /// <exception cref="CheckpointException">The folder is no checkpoint, or a file is malformed. Tensors that are missing or do not fit are in the report instead.</exception>
    /// <exception cref="TokenizerException">The tokenizer's files, which may hold a chat template, are malformed.</exception>
    public static CheckpointReport Inspect(string path, VisionTowerLocator? locator = null, Func<string, bool, string>? inferTemplate = null, bool isDelta = false)
    {
        if (GgufCheckpoint.Is(path))
            return GgufInspector.Inspect(path, inferTemplate);
        var kind = CheckpointKindDetector.Detect(path, isDelta);
        // adapters and projectors go by the tokenizer of their base
        var hasChatTemplate = kind is CheckpointKind.Full or CheckpointKind.LanguageModelOnly or CheckpointKind.Delta && ChatTemplateFile.Find(path) is not null;
        var template = kind == CheckpointKind.VisionTower ? null : inferTemplate?.Invoke(ModelNames.FromPath(path), hasChatTemplate);
        if (!File.Exists(Path.Combine(path, "config.json")))
            return InspectFiles(path, kind, null, template);
        using var folder = CheckpointFolder.Open(path);
        return kind switch
        {
            CheckpointKind.VisionTower => InspectTower(folder),
            CheckpointKind.LoraAdapter or CheckpointKind.ProjectorOnly => InspectFiles(path, kind, folder.Config, template),
            _ => InspectModel(folder, kind, locator ?? new VisionTowerLocator(HubOptions.FromEnvironment() with { Offline = true }), template),
        } with { HasChatTemplate = hasChatTemplate };
    }

    private static CheckpointReport InspectModel(CheckpointFolder folder, CheckpointKind kind, VisionTowerLocator locator, string? template)
    {
        var config = folder.Config;
        var towerFolder = config.MmVisionTower is null || config.VisionConfig is not null ? null : locator.FindLocally(config.MmVisionTower, folder.Folder);
        var vision = config.VisionConfig ?? (towerFolder is null ? null : ClipVisionConfig.Load(towerFolder));
        var towerScope = ExpectedTensors.Root(config) + ExpectedTensors.TowerScope;
        var inside = folder.Tensors.Keys.Any(name => name.StartsWith(towerScope, StringComparison.Ordinal));
        // in the Hugging Face layout the tower lies inside and has no folder
        var outside = towerFolder is null || inside && config.UnfreezeMmVisionTower ? 0 : ExpectedTensors.ForTower(vision!).Where(t => t.Required).Sum(Count);
        // without the tower's config its tensors cannot be judged
        bool MayBeMore(string name) => vision is null && name.StartsWith(towerScope, StringComparison.Ordinal);
        return Describe(folder.Folder, kind, folder.WeightPaths, folder.Tensors.Values, outside)
            .Compare(ExpectedTensors.For(config, vision), folder.Tensors.Values, MayBeMore) with
        {
            Family = config.Family,
            Version = GuessVersion(config),
            Template = template,
            VisionTower = config.MmVisionTower,
            VisionTowerFolder = towerFolder,
            HasTowerInside = inside,
            UsesTowerInside = inside && config.UnfreezeMmVisionTower,
            OutsideTowerParameters = outside,
        };
    }

    private static CheckpointReport InspectTower(CheckpointFolder folder)
    {
        return Describe(folder.Folder, CheckpointKind.VisionTower, folder.WeightPaths, folder.Tensors.Values, 0)
            .Compare(ExpectedTensors.ForTower(folder.VisionConfig), folder.Tensors.Values, name => !name.StartsWith("vision_model.", StringComparison.Ordinal));
    }

    private static CheckpointReport InspectFiles(string path, CheckpointKind kind, LlavaConfig? config, string? template)
    {
        string[] names = kind == CheckpointKind.LoraAdapter
            ? [.. new[] { "adapter_model.safetensors", "adapter_model.bin" }.Where(name => File.Exists(Path.Combine(path, name))).Take(1), "non_lora_trainables.bin"]
            : [ProjectorFile.FileName];
        string[] paths = File.Exists(path) ? [path] : [.. names.Select(name => Path.Combine(path, name)).Where(File.Exists)];
        var files = new List<ITensorFile>();
        try
        {
            foreach (var file in paths)
                files.Add(TensorFile.Open(file));
            return Describe(path, kind, paths, [.. files.SelectMany(file => file.Tensors.Values)], 0) with
            {
                Family = config?.Family,
                Version = config is null ? null : GuessVersion(config),
                VisionTower = config?.MmVisionTower,
                Template = template,
            };
        }
        finally
        {
            foreach (var file in files)
                file.Dispose();
        }
    }

    /// <summary>Counts what tensors hold; no value is looked at.</summary>
    internal static CheckpointReport Describe(string folder, CheckpointKind kind, IEnumerable<string> paths, IEnumerable<StoredTensor> tensors, long outside)
    {
        var parts = new SortedDictionary<ModelPart, long>();
        var types = new SortedDictionary<StoredDataType, long>();
        foreach (var tensor in tensors)
        {
            var part = PartOf(tensor.Name, kind);
            // a packed matrix counts by what it stands for, and its bytes by what they are
            parts[part] = parts.GetValueOrDefault(part) + (TensorShape.ElementCount(PackedHeader.ShapeOf(tensor)) ?? 0);
            types[tensor.DataType] = types.GetValueOrDefault(tensor.DataType) + tensor.ElementCount;
        }
        return new()
        {
            Folder = folder,
            Kind = kind,
            Parameters = parts,
            DataTypes = types,
            BytesOnDisk = paths.Sum(path => new FileInfo(path).Length),
            EstimatedMemory = tensors.Any(PackedHeader.IsPacked) ? new() { ["as packed"] = tensors.Sum(tensor => tensor.ByteLength) + 2 * outside } : EstimateMemory(tensors, outside),
        };
    }

    private static Dictionary<string, long> EstimateMemory(IEnumerable<StoredTensor> tensors, long outside)
    {
        long linear = 0, other = outside;
        foreach (var tensor in tensors)
        {
            // what the original's 8-bit and 4-bit loading leaves alone: embeddings, the output matrix, norms and biases
            var kept = tensor.Shape.Length != 2 || tensor.Name.Contains("embed", StringComparison.Ordinal)
                || tensor.Name.EndsWith("wte.weight", StringComparison.Ordinal) || tensor.Name.EndsWith("lm_head.weight", StringComparison.Ordinal);
            if (kept)
                other += tensor.ElementCount;
            else
                linear += tensor.ElementCount;
        }
        // int4: half a byte each, one byte a block of 64 for its maximum, and a float for 256 of those
        return new()
        {
            ["float32"] = 4 * (linear + other),
            ["bfloat16"] = 2 * (linear + other),
            ["float16"] = 2 * (linear + other),
            ["int8"] = linear + 2 * other,
            ["int4"] = linear / 2 + linear / 64 + linear / (64 * 64) + 2 * other,
        };
    }

    /// <summary>Adds to a report what is missing, not expected, and of another shape.</summary>
    /// <param name="report">The report.</param>
    /// <param name="expected">What the config asks for.</param>
    /// <param name="found">What is there.</param>
    /// <param name="mayBeMore">Which names may be there without being expected.</param>
    internal static CheckpointReport Compare(this CheckpointReport report, IEnumerable<ExpectedTensor> expected, IEnumerable<StoredTensor> found, Func<string, bool>? mayBeMore = null)
    {
        var rest = found.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var missing = new List<ExpectedTensor>();
        var misShaped = new List<ShapeMismatch>();
        foreach (var tensor in expected)
        {
            if (!rest.Remove(tensor.Name, out var stored))
            {
                if (tensor.Required)
                    missing.Add(tensor);
            }
            else if (!PackedHeader.ShapeOf(stored).AsSpan().SequenceEqual(tensor.Shape))
            {
                misShaped.Add(new(tensor, Summarize(stored)));
            }
        }
        return report with { Missing = missing, Unexpected = [.. rest.Values.Where(tensor => mayBeMore?.Invoke(tensor.Name) != true).Select(Summarize)], MisShaped = misShaped };
    }

    private static string? GuessVersion(LlavaConfig config)
    {
        if (config.MmVisionTower is null)
            return null;
        if (config.ImageAspectRatio == "anyres" || config.MmPatchMergeType != "flat")
            return "v1.6";
        return config.MmProjectorType == "linear" ? "v1" : "v1.5";
    }

    private static ModelPart PartOf(string name, CheckpointKind kind)
    {
        if (kind == CheckpointKind.VisionTower || name.Contains("vision_tower.", StringComparison.Ordinal))
            return ModelPart.VisionTower;
        if (name.Contains("mm_projector", StringComparison.Ordinal))
            return ModelPart.Projector;
        return name.EndsWith("image_newline", StringComparison.Ordinal) ? ModelPart.ImageNewline : ModelPart.LanguageModel;
    }

    private static StoredTensorSummary Summarize(StoredTensor tensor) => new(tensor.Name, tensor.DataType, tensor.Shape, tensor.File);

    private static long Count(ExpectedTensor tensor) => TensorShape.ElementCount(tensor.Shape) ?? 0;
}
