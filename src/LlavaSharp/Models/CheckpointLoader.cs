using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Kernels;
using LlavaSharp.Prompts;
using LlavaSharp.Quantization;
using LlavaSharp.Tokenizers;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>From folders to a network: what the original's <c>load_pretrained_model</c> does, decided by files and config instead of names.</summary>
internal static class CheckpointLoader
{
    /// <summary>Loads a checkpoint; runs on the model's thread.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="baseFolder">The language model that an adapter or projector belongs to; null when the checkpoint is whole.</param>
    /// <param name="options">How to load it.</param>
    /// <exception cref="LlavaException">The checkpoint, or an option, is at fault.</exception>
    public static LoadedCheckpoint Load(string folder, string? baseFolder, LoadOptions options)
    {
        var owned = new List<IDisposable>();
        try
        {
            options.CheckForms();
            if (QuantizedCache.Find(folder, baseFolder, options) is { } packed)
                (folder, baseFolder) = (packed, null);
            var opened = Open(folder, baseFolder, options, owned);
            var (source, adapters) = OpenAdapters(opened, options, owned);
            var network = Build(opened, source, options.WrapLinear);
            (source as AdaptedLinears)?.Verify();
            opened.TowerWeights?.Verify(opened.TowerFolder!, _ => true);
            opened.Weights.Verify(baseFolder is null ? folder : $"{folder}' on '{baseFolder}", name => MayRemain(name, opened.Config));
            // attention with biases of its own (MPT) is computed by libtorch in any case
            network.Language.CacheFormat = options.CacheFormat(opened.Devices.First, opened.Weights.IsPacked && opened.Config.Family != ModelFamily.Mpt);
            return new LoadedCheckpoint(owned)
            {
                Config = opened.Config,
                Network = network,
                Adapters = adapters,
                Tokenizer = opened.Tokenizer,
                ImageProcessor = opened.ImageProcessor,
                Defaults = opened.Parts.Tokenizer is not null ? GenerationDefaults.None : GenerationDefaults.Load(Directory.Exists(folder) ? folder : opened.Parts.TokenizerFolder),
                Type = opened.Type,
                Devices = opened.Devices,
                Folder = folder,
                ChatTemplate = opened.Config.MmVisionTower is null ? ChatTemplateFile.Find(opened.Parts.TokenizerFolder) : null,
            };
        }
        catch
        {
            foreach (var resource in owned)
                resource.Dispose();
            throw;
        }
    }

    /// <summary>Opens a checkpoint's files and finds out what they hold; no network is built and, but for what is resized, no weight is read.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="baseFolder">As for <see cref="Load"/>.</param>
    /// <param name="options">How to load it.</param>
    /// <param name="owned">Gets what has to be disposed, also when this throws.</param>
    public static OpenedCheckpoint Open(string folder, string? baseFolder, LoadOptions options, List<IDisposable> owned)
    {
        // a name that is mistyped is refused before libtorch is loaded, and before gigabytes are read
        ComputeDevice.CheckName(options.Device);
        ComputeDevice.CheckTypeName(options.DataType);
        if (options.VisionTowerDataType is { } towerType)
            ComputeDevice.CheckTypeName(towerType);
        var devices = ComputeDevice.ParseAll(options.Device);
        var device = devices[0];
        if (options.Threads is { } threads)
        {
            set_num_threads(threads);
            KernelThreads.SetShared(threads);
        }
        var parts = CheckpointParts.Open(folder, baseFolder, owned);
        var config = options.ConfigOverrides.Count == 0 ? parts.Config : parts.Config.With(options.ConfigOverrides);
        var tokenizer = parts.Tokenizer?.Invoke() ?? LoadTokenizer(parts.TokenizerFolder, config, baseFolder is not null);
        var type = ChooseType(options, config, parts, device);
        var weights = Add(owned, new CheckpointWeights(parts.Tensors, type, device, options.CheckFiniteWeights) { Form = options.Form(device), InLargePages = options.LargePages });
        if (options.LargePages && !weights.IsPacked)
            options.Notice?.Invoke("Large pages hold packed weights only; this checkpoint's are not.");
        if (parts.Projector is { } projector)
            weights.Overlay(projector, viaHalf: true);
        if (parts.Adapter is { } adapter)
            weights.Merge(adapter);
        config = FitVocabulary(config, tokenizer, weights);
        var (vision, towerScope, towerFolder, processor) = OpenTower(ConfigFolder(folder, baseFolder), config, weights, type, device, options, owned);
        var map = devices.Count == 1 ? new DeviceMap(device) : Spread(devices, config, weights, towerScope.Source as CheckpointWeights, options);
        if (config.IsHuggingFace && processor is { PadsToSquare: true })
            config = config.With("image_aspect_ratio", ImagePreprocessor.Pad);
        return new()
        {
            Parts = parts,
            Config = config,
            Tokenizer = tokenizer,
            Weights = weights,
            Vision = vision,
            TowerScope = towerScope,
            TowerFolder = towerFolder,
            ImageProcessor = processor,
            Type = type,
            Devices = map,
        };
    }

    // an adapter without a config of its own has its base's, and what that names lies beside the base
    private static string ConfigFolder(string folder, string? baseFolder) =>
        baseFolder is not null && !File.Exists(Path.Combine(folder, "config.json")) ? baseFolder : folder;

    private static DeviceMap Spread(IReadOnlyList<Device> devices, LlavaConfig config, CheckpointWeights weights, CheckpointWeights? tower, LoadOptions options)
    {
        // a copy of the tower inside the checkpoint counts only where it is used
        var sizes = weights.Sizes().Where(size => tower == weights || !size.Name.Contains("vision_tower", StringComparison.Ordinal));
        if (tower is not null && tower != weights)
            sizes = sizes.Concat(tower.Sizes().Select(size => ("vision_tower." + size.Name, size.Bytes)));
        var plan = DevicePlan.Create(DeviceMemory.Rooms(devices), PartSizes.Of(sizes, config.NumHiddenLayers));
        var map = new DeviceMap(devices, plan.Layers, options.MoveStates);
        weights.Spread(map);
        var shares = devices.Select((device, place) => (Device: device, Layers: plan.Layers.Count(layer => layer == place), Bytes: plan.Used[place]));
        options.Notice?.Invoke(string.Join("; ", shares.Select(share => FormattableString.Invariant($"{share.Device}: {share.Layers} of {plan.Layers.Count} layers, {DevicePlan.Size(share.Bytes)}"))) + ".");
        return map;
    }

    // the network's tensors, with the slots of the adapters that lie beside them
    private static (IWeightSource Source, AdapterSet Adapters) OpenAdapters(OpenedCheckpoint opened, LoadOptions options, List<IDisposable> owned)
    {
        var selection = new AdapterSelection();
        if (options.Adapters.Count == 0)
            return (opened.Weights, new([], selection));
        var (files, loaded) = (new List<(string, LoraAdapter)>(), new List<LoadedAdapter>());
        foreach (var source in options.Adapters)
        {
            var opening = Add(owned, AdapterLoader.Open(source, options.CheckFiniteWeights));
            loaded.Add(AdapterLoader.Load(source, files.Count, opening, opened, options.CheckFiniteWeights, owned));
            files.Add((source.Name, opening));
        }
        return (Add(owned, new AdaptedLinears(opened.Weights, files, opened.Type, selection)), new(loaded, selection));
    }

    private static LlavaNetwork Build(OpenedCheckpoint opened, IWeightSource source, Func<string, Linear, Linear>? wrap) => wrap is null
        ? new(opened.Config, opened.Vision, source, opened.TowerScope)
        : new(opened.Config, opened.Vision, new WrappedLinears(source, wrap), opened.Vision is null ? default : opened.TowerScope with { Source = new WrappedLinears(opened.TowerScope.Source, wrap) });

    /// <summary>Whether a tensor may lie in the weights of a language model without being used.</summary>
    public static bool MayRemain(string name, LlavaConfig config) =>
        name.Contains("vision_tower", StringComparison.Ordinal)      // the tower's own folder wins unless the config says otherwise
        || name.EndsWith("image_newline", StringComparison.Ordinal)  // unused under another merge type
        || (config.MmVisionTower is null && name.Contains("mm_projector", StringComparison.Ordinal))
        || (config.TieWordEmbeddings && name == "lm_head.weight");

    private static Tokenizer LoadTokenizer(string folder, LlavaConfig config, bool hasBase)
    {
        if (config.ImageTokenId is { } image)
            return HuggingFaceTokenizer.Load(folder, image, config.VocabSize);
        // the original takes the fast tokenizer for MPT, and for a Mistral LLaVA that needs no base
        var fast = config.Family == ModelFamily.Mpt || (config.Family == ModelFamily.Mistral && config.MmVisionTower is not null && !hasBase);
        var tokenizer = TokenizerLoader.Load(folder, fast ? TokenizerKind.Fast : TokenizerKind.Auto);
        if (config.MmVisionTower is null)
            return tokenizer;
        if (config.MmUseImPatchToken)
            tokenizer.AddToken(LlavaConstants.ImagePatchToken, special: true);
        if (config.MmUseImStartEnd)
        {
            tokenizer.AddToken(LlavaConstants.ImageStartToken, special: true);
            tokenizer.AddToken(LlavaConstants.ImageEndToken, special: true);
        }
        return tokenizer;
    }

    // the original resizes a LLaVA's embeddings to the tokenizer's length, which may also be shorter
    private static LlavaConfig FitVocabulary(LlavaConfig config, Tokenizer tokenizer, CheckpointWeights weights)
    {
        // a vocabulary in the Hugging Face layout has spare rows on purpose
        if (config.MmVisionTower is null || config.IsHuggingFace || tokenizer.Count == config.VocabSize)
            return config;
        string[] names = config.Family == ModelFamily.Mpt ? ["transformer.wte.weight", "lm_head.weight"] : ["model.embed_tokens.weight", "lm_head.weight"];
        weights.ResizeVocabulary(names, config.VocabSize, tokenizer.Count);
        return config.With("vocab_size", tokenizer.Count);
    }

    private static (ClipVisionConfig? Config, WeightScope Scope, string? Folder, ClipImageProcessor? Processor) OpenTower(
        string folder, LlavaConfig config, CheckpointWeights weights, ScalarType type, Device device, LoadOptions options, List<IDisposable> owned)
    {
        if (config.MmVisionTower is null)
            return (null, default, null, null);
        if (config.S2)
            throw new LlavaException("config.json asks for the multi-scale vision tower (s2), which is not built yet.");
        var inside = new WeightScope(weights)[config.Family == ModelFamily.Mpt ? "transformer" : "model"]["vision_tower"]["vision_tower"]["vision_model"];
        if (config.VisionConfig is { } own)
            return (own, inside, folder, LoadProcessor(folder, own));
        var towerFolder = new VisionTowerLocator(options.Hub()).LocateAsync(config.MmVisionTower, folder).GetAwaiter().GetResult();
        var tower = Add(owned, CheckpointFolder.Open(towerFolder));
        var processor = LoadProcessor(towerFolder, tower.VisionConfig);
        if (config.UnfreezeMmVisionTower && inside["embeddings"]["class_embedding"].Exists)
            return (tower.VisionConfig, inside, towerFolder, processor);
        var towerType = options.VisionTowerDataType is { } name ? ComputeDevice.ParseType(name) ?? type : device.type == TorchSharp.DeviceType.CPU ? type : ScalarType.Float32;
        var towerWeights = Add(owned, new CheckpointWeights(tower.Tensors, towerType, device, options.CheckFiniteWeights));
        return (tower.VisionConfig, new WeightScope(towerWeights)["vision_model"], towerFolder, processor);
    }

    private static ClipImageProcessor LoadProcessor(string folder, ClipVisionConfig vision)
    {
        var processor = ClipImageProcessor.Load(folder);
        if (processor.DoCenterCrop && (processor.CropWidth, processor.CropHeight) != (vision.ImageSize, vision.ImageSize))
            throw new CheckpointException($"'{Path.Combine(folder, ClipImageProcessor.FileName)}' crops pictures to {processor.CropWidth}x{processor.CropHeight} pixels, but the vision tower takes {vision.ImageSize}x{vision.ImageSize}. Fetch the file that belongs to the tower.", folder);
        return processor;
    }

    private static ScalarType ChooseType(LoadOptions options, LlavaConfig config, CheckpointParts parts, Device device)
    {
        if (ComputeDevice.ParseType(options.DataType) is { } asked)
            return asked;
        if (device.type != TorchSharp.DeviceType.CPU)
            return StoredTensorViews.Type(config.TorchDataType ?? StoredDataType.Float16);
        // packed matrices compute in float32 whatever surrounds them
        if (parts.Tensors.Values.Any(PackedHeader.IsPacked))
            return ScalarType.Float32;
        // the rule of the command line: float32 where twice the 16-bit weights fit comfortably
        var weights = parts.Tensors.Values.Sum(tensor => 2 * tensor.ElementCount);
        var free = MemoryInspector.Inspect().Free;
        var wide = 2.0 * weights <= 0.6 * free;
        options.Notice?.Invoke(FormattableString.Invariant(
            $"Computing in {(wide ? "float32" : "bfloat16")} on the CPU: {weights / 1e9:0.00} GB of 16-bit weights, {free / 1e9:0.0} GB of free memory (--dtype chooses otherwise)."));
        return wide ? ScalarType.Float32 : ScalarType.BFloat16;
    }

    private static T Add<T>(List<IDisposable> owned, T resource)
        where T : IDisposable
    {
        owned.Insert(0, resource);   // what is opened last is closed first
        return resource;
    }
}
