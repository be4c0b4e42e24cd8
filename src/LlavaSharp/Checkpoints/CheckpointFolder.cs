using System.Text.Json.Nodes;

namespace LlavaSharp.Checkpoints;

/// <summary>
/// A folder with a <c>config.json</c> and weights in either container, in one file or in shards. The weights are mapped when first asked for;
/// safetensors are preferred where both containers are present. Disposing the folder invalidates its tensors' pointers.
/// </summary>
public sealed class CheckpointFolder : IDisposable
{
    private static readonly string[] WeightFiles =
        ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

    private readonly Lock _lock = new();
    private readonly List<ITensorFile> _files = [];
    private readonly CheckpointIndex? _index;
    private readonly JsonObject _json;
    private readonly bool _isHuggingFace;
    private LlavaConfig? _config;
    private ClipVisionConfig? _visionConfig;
    private IReadOnlyDictionary<string, StoredTensor>? _tensors;
    private bool _disposed;

    private CheckpointFolder(string folder, string configPath, JsonObject json, LlavaConfig? config)
    {
        (Folder, _json, _config, ConfigPath) = (folder, json, config, configPath);
        IsVisionTower = config is null && ClipVisionConfig.IsClip(json);
        _isHuggingFace = !IsVisionTower && HuggingFaceLayout.Is(json);
        // a config that cannot be used is an error now, not at the first tensor
        if (IsVisionTower)
            _visionConfig = ClipVisionConfig.FromJson(json, configPath);
        else
            _config ??= LlavaConfig.FromJson(json, configPath);
        var found = WeightFiles.FirstOrDefault(name => File.Exists(Path.Combine(folder, name)));
        if (found is null)
            return;
        var path = Path.Combine(folder, found);
        if (found.EndsWith(".index.json", StringComparison.Ordinal))
            _index = CheckpointIndex.Load(path);
        WeightPaths = _index is null ? [path] : [.. _index.Shards.Select(shard => Path.Combine(folder, shard))];
        CheckShards();
        // a vocabulary that the file leaves out is as long as its embedding
        if (config is null && _config is { IsHuggingFace: true } && !_config.Json.ContainsKey("vocab_size") && Tensors.GetValueOrDefault("model.embed_tokens.weight") is { Shape: [> 0 and <= int.MaxValue and var rows, _] })
            _config = _config.With("vocab_size", rows);
        // "llava" alone names no family; the tensors do
        if (config is null && _config is { FamilyIsStated: false } && Tensors.ContainsKey("transformer.wte.weight"))
            _config = _config.With("model_type", "llava_mpt");
    }

    /// <summary>The folder's path.</summary>
    public string Folder { get; }

    /// <summary>The path of its <c>config.json</c>.</summary>
    public string ConfigPath { get; }

    /// <summary>A copy of its config as it stands in the file.</summary>
    public JsonObject ConfigJson => (JsonObject)_json.DeepClone();

    /// <summary>Whether the folder is a CLIP encoder instead of a language model.</summary>
    public bool IsVisionTower { get; }

    /// <summary>The weight files, in order of their names; empty for adapters and projectors.</summary>
    public IReadOnlyList<string> WeightPaths { get; } = [];

    /// <summary>The config of the language model and of what LLaVA adds to it.</summary>
    /// <exception cref="CheckpointException">The folder is a vision tower.</exception>
    public LlavaConfig Config => _config
        ?? throw new CheckpointException($"'{ConfigPath}' is the config of a CLIP encoder, not of a language model. Give the folder of the LLaVA checkpoint.", ConfigPath);

    /// <summary>The config of a vision tower.</summary>
    /// <exception cref="CheckpointException">The folder is no vision tower.</exception>
    public ClipVisionConfig VisionConfig => _visionConfig
        ?? throw new CheckpointException($"'{ConfigPath}' is not the config of a CLIP encoder: it cannot serve as a vision tower.", ConfigPath);

    /// <summary>The tensors by name, without the rotary tables (<c>*.rotary_emb.inv_freq</c>) that old files carry. Those of the Hugging Face layout have the original's names.</summary>
    /// <exception cref="CheckpointException">There are no weights, a file is malformed, or a file lacks a tensor that the index promises.</exception>
    public IReadOnlyDictionary<string, StoredTensor> Tensors
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _tensors ??= OpenAll();
            }
        }
    }

    /// <summary>The weight files, opened.</summary>
    /// <exception cref="CheckpointException">As <see cref="Tensors"/>.</exception>
    public IReadOnlyList<ITensorFile> Files
    {
        get
        {
            _ = Tensors;
            return _files;
        }
    }

    /// <summary>Opens a folder; <paramref name="config"/> replaces the LLaVA config in its <c>config.json</c>, as a base model takes the config of what is loaded on it.</summary>
    /// <exception cref="CheckpointException">The folder or its config is missing or malformed, or a shard that the index names is missing.</exception>
    public static CheckpointFolder Open(string folder, LlavaConfig? config = null)
    {
        if (!Directory.Exists(folder))
            throw new CheckpointException(File.Exists(folder)
                ? $"'{folder}' is a file. Give the folder of the checkpoint, with config.json and weights: '{Path.GetDirectoryName(Path.GetFullPath(folder))}'?"
                : $"The checkpoint folder '{folder}' does not exist. Give a folder with config.json and weights.", folder);
        var path = Path.Combine(folder, "config.json");
        if (!File.Exists(path))
            throw new CheckpointException(
                $"'{folder}' is no checkpoint: it has no config.json (looked for config.json beside {string.Join(", ", WeightFiles)}). Give the folder that holds it, or fetch the checkpoint again.", path);
        return new(folder, path, ConfigFile.Read(path), config);
    }

    /// <summary>One tensor by its name.</summary>
    /// <exception cref="CheckpointException">There is none of that name, or the weights cannot be read.</exception>
    public StoredTensor Get(string name) => Tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new CheckpointException($"The checkpoint '{Folder}' has no tensor '{name}'.", Folder, name);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (var file in _files)
                file.Dispose();
            _files.Clear();
        }
    }

    private void CheckShards()
    {
        if (_index is null)
            return;
        foreach (var shard in _index.Shards)
            if (!File.Exists(Path.Combine(Folder, shard)))
            {
                var tensor = _index.WeightMap.First(pair => pair.Value == shard).Key;
                throw new CheckpointException(
                    $"The shard '{shard}' that the index '{_index.File}' names (for tensor '{tensor}' and {_index.WeightMap.Count(pair => pair.Value == shard) - 1} more) is not in the folder. Fetch the checkpoint again: a download was probably cut off.",
                    Path.Combine(Folder, shard), tensor);
            }
    }

    private Dictionary<string, StoredTensor> OpenAll()
    {
        if (WeightPaths.Count == 0)
            throw new CheckpointException($"'{Folder}' has a config.json but no weights (looked for {string.Join(", ", WeightFiles)}).{HintWithoutWeights()}", Folder);
        var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        try
        {
            foreach (var path in WeightPaths)
            {
                var file = TensorFile.Open(path);
                _files.Add(file);
                Add(file, Path.GetFileName(path), tensors);
            }
            if (_index is not null)
                foreach (var (name, shard) in _index.WeightMap)
                    if (!IsIgnored(name) && !tensors.ContainsKey(UsualName(name)))
                        throw new CheckpointException($"The index '{_index.File}' says that '{shard}' holds tensor '{name}', but it does not.", Path.Combine(Folder, shard), name);
        }
        catch
        {
            foreach (var file in _files)
                file.Dispose();
            _files.Clear();
            throw;
        }
        return tensors;
    }

    private void Add(ITensorFile file, string shard, Dictionary<string, StoredTensor> tensors)
    {
        foreach (var (stored, tensor) in file.Tensors)
        {
            if (IsIgnored(stored))
                continue;
            // where two shards hold the same name, the index decides
            var owner = _index?.WeightMap.GetValueOrDefault(stored);
            if (owner is null || owner == shard)
            {
                var name = UsualName(stored);
                if (!tensors.TryAdd(name, name == stored ? tensor : tensor.WithName(name)))
                    throw new CheckpointException($"The weights of '{Folder}' hold tensor '{name}' twice{(name == stored ? "" : $" (once as '{stored}')")}, and no index says which counts.", file.File, name);
            }
        }
    }

    private string UsualName(string name) => _isHuggingFace ? HuggingFaceLayout.UsualName(name) : name;

    private static bool IsIgnored(string name) => name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);

    private string HintWithoutWeights()
    {
        if (File.Exists(Path.Combine(Folder, "adapter_config.json")))
            return " It is a LoRA adapter: name the language model it was trained on as the base (--model-base).";
        if (File.Exists(Path.Combine(Folder, "mm_projector.bin")))
            return " It holds a projector only: name the language model it belongs to as the base (--model-base).";
        return " Fetch the checkpoint again.";
    }
}
