using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Checkpoints;

/// <summary>
/// An unmerged LoRA (Hu et al. 2021) as PEFT writes it: <c>adapter_config.json</c>, <c>adapter_model.safetensors</c> or <c>.bin</c>, and LLaVA's
/// <c>non_lora_trainables.bin</c>. Disposing it invalidates its tensors' pointers.
/// </summary>
public sealed class LoraAdapter : IDisposable
{
    private const string Prefix = "base_model.model.";

    private readonly List<ITensorFile> _files = [];

    /// <summary>Takes the settings; the weights are still to be read.</summary>
    internal LoraAdapter(string folder, JsonObject config, string configPath)
    {
        Folder = folder;
        ReadConfig(new(config, configPath));
    }

    /// <summary>The folder's path.</summary>
    public string Folder { get; }

    /// <summary>The rank, <c>r</c>.</summary>
    public int Rank { get; private set; }

    /// <summary><c>lora_alpha</c>.</summary>
    public double Alpha { get; private set; }

    /// <summary>The factor of B A: alpha / r, or alpha / sqrt(r) with <c>use_rslora</c>.</summary>
    public double Scale { get; private set; }

    /// <summary><c>target_modules</c>: names, or one pattern; informational, since the tensors say what is adapted.</summary>
    public IReadOnlyList<string> TargetModules { get; private set; } = [];

    /// <summary><c>base_model_name_or_path</c>, or null: the model it was trained on.</summary>
    public string? BaseModel { get; private set; }

    /// <summary>What is added, by the name of the weight it is added to.</summary>
    public IReadOnlyDictionary<string, LoraWeight> Weights { get; private set; } = new Dictionary<string, LoraWeight>();

    /// <summary>Tensors of the adapter's file that replace those of the base (biases, whole modules), by name.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Replacements { get; private set; } = new Dictionary<string, StoredTensor>();

    /// <summary>The tensors of <c>non_lora_trainables.bin</c>, by the name they have in a LLaVA checkpoint; empty when there is no such file.</summary>
    public IReadOnlyDictionary<string, StoredTensor> NonLoraTrainables { get; private set; } = new Dictionary<string, StoredTensor>();

    /// <summary>Opens an adapter's folder.</summary>
    /// <exception cref="CheckpointException">A file is missing or malformed, a matrix lacks its partner, or the config asks for something that is not supported.</exception>
    public static LoraAdapter Open(string folder)
    {
        var path = Path.Combine(folder, "adapter_config.json");
        if (!File.Exists(path))
            throw new CheckpointException($"'{folder}' is no LoRA adapter: it has no adapter_config.json.", path);
        var adapter = new LoraAdapter(folder, ConfigFile.Read(path), path);
        try
        {
            adapter.ReadWeights();
            var trainables = Path.Combine(folder, "non_lora_trainables.bin");
            if (File.Exists(trainables))
                adapter.NonLoraTrainables = Rename(adapter.OpenFile(trainables));
            return adapter;
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
        _files.Clear();
    }

    /// <summary>The original's renaming: "base_model." goes; then, if a name begins with "model.model.", one "model." goes from all that have it.</summary>
    internal static string[] RenameAll(IEnumerable<string> names)
    {
        const string Base = "base_model.", Model = "model.";
        var stripped = names.Select(name => name.StartsWith(Base, StringComparison.Ordinal) ? name[Base.Length..] : name).ToArray();
        if (stripped.Any(name => name.StartsWith(Model + Model, StringComparison.Ordinal)))
            for (var i = 0; i < stripped.Length; i++)
                if (stripped[i].StartsWith(Model, StringComparison.Ordinal))
                    stripped[i] = stripped[i][Model.Length..];
        return stripped;
    }

    private static Dictionary<string, StoredTensor> Rename(ITensorFile file)
    {
        var tensors = file.Tensors.Values.ToList();
        var names = RenameAll(tensors.Select(tensor => tensor.Name));
        var renamed = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        for (var i = 0; i < names.Length; i++)
            if (!renamed.TryAdd(names[i], tensors[i].WithName(names[i])))
                throw new CheckpointException($"'{file.File}' holds two tensors that both stand for '{names[i]}'.", file.File, names[i]);
        return renamed;
    }

    private void ReadConfig(ConfigReader reader)
    {
        if (reader.Text("peft_type") is { } type && type != "LORA")
            throw reader.Wrong("peft_type", "'LORA': other adapters are not supported");
        Rank = reader.Integer("r", 1, 1 << 16) ?? throw reader.Lacks("r", "the rank of the adapter must be known");
        Alpha = reader.Number("lora_alpha", -1e9, 1e9) ?? throw reader.Lacks("lora_alpha", "the scale of the adapter must be known");
        Scale = reader.Flag("use_rslora") == true ? Alpha / Math.Sqrt(Rank) : Alpha / Rank;
        TargetModules = reader.Texts("target_modules");
        BaseModel = reader.Text("base_model_name_or_path");
        if (reader.Text("bias") is not (null or "none" or "all" or "lora_only"))
            throw reader.Wrong("bias", "'none', 'all' or 'lora_only'");
        foreach (var key in (ReadOnlySpan<string>)["fan_in_fan_out", "use_dora"])
            if (reader.Flag(key) == true)
                throw reader.Wrong(key, "false: it is not supported. Merge the adapter with the program that made it, and load the result");
        foreach (var key in (ReadOnlySpan<string>)["rank_pattern", "alpha_pattern"])
            if (reader.Node(key) is JsonObject { Count: > 0 })
                throw reader.Wrong(key, "empty: ranks that differ between layers are not supported. Merge the adapter with the program that made it, and load the result");
        // these change the base model's weights before training begins, so the base alone is not what the adapter belongs to
        if (reader.Node("init_lora_weights") is { } start && start.GetValueKind() == JsonValueKind.String && reader.Text("init_lora_weights") is not ("gaussian" or "eva" or "loftq"))
            throw reader.Wrong("init_lora_weights", "true, false or 'gaussian': adapters that start from changed base weights are not supported");
    }

    private void ReadWeights()
    {
        string[] names = ["adapter_model.safetensors", "adapter_model.bin"];
        var path = names.Select(name => Path.Combine(Folder, name)).FirstOrDefault(File.Exists)
            ?? throw new CheckpointException($"The LoRA adapter '{Folder}' has no weights (looked for {string.Join(" and ", names)}). Fetch it again.", Folder);
        var inner = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        var outer = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        var replacements = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var (key, tensor) in OpenFile(path).Tensors)
        {
            var name = key.StartsWith(Prefix, StringComparison.Ordinal) ? key[Prefix.Length..] : key;
            var (target, matrix) = SplitName(name);
            var place = matrix switch
            {
                "A" => inner,
                "B" => outer,
                null when name.Contains("lora_", StringComparison.Ordinal) => throw new CheckpointException($"Tensor '{key}' of '{path}' is a part of LoRA that is not supported.", path, key),
                _ => replacements,
            };
            if (!place.TryAdd(matrix is null ? name : target + ".weight", tensor))
                throw new CheckpointException($"'{path}' holds two tensors for '{name}'.", path, key);
        }
        Replacements = replacements;
        Weights = Pair(path, inner, outer);
    }

    private Dictionary<string, LoraWeight> Pair(string path, Dictionary<string, StoredTensor> inner, Dictionary<string, StoredTensor> outer)
    {
        var weights = new Dictionary<string, LoraWeight>(StringComparer.Ordinal);
        foreach (var (name, a) in inner)
        {
            if (!outer.Remove(name, out var b))
                throw new CheckpointException($"'{path}' holds matrix A for '{name}', but no matrix B.", path, a.Name);
            if (a.Shape.Length != 2 || b.Shape.Length != 2 || a.Shape[0] != Rank || b.Shape[1] != Rank)
                throw new CheckpointException(
                    $"The adapter's matrices for '{name}' in '{path}' have shapes {TensorShape.Describe(a.Shape)} and {TensorShape.Describe(b.Shape)}, which do not fit rank {Rank}.", path, a.Name);
            if (!a.DataType.IsFloatingPoint() || !b.DataType.IsFloatingPoint())
                throw new CheckpointException($"The adapter's matrices for '{name}' in '{path}' are not floating point.", path, a.Name);
            weights[name] = new(name, a, b, Scale);
        }
        if (outer.Count > 0)
            throw new CheckpointException($"'{path}' holds matrix B for '{outer.Keys.First()}', but no matrix A.", path, outer.Values.First().Name);
        if (weights.Count == 0)
            throw new CheckpointException($"'{path}' holds no LoRA matrices.", path);
        return weights;
    }

    /// <summary>Splits ".lora_A.weight" or ".lora_A.default.weight" off a name.</summary>
    private static (string Target, string? Matrix) SplitName(string name)
    {
        foreach (var matrix in (ReadOnlySpan<string>)["A", "B"])
            foreach (var ending in (ReadOnlySpan<string>)[$".lora_{matrix}.weight", $".lora_{matrix}.default.weight"])
                if (name.EndsWith(ending, StringComparison.Ordinal))
                    return (name[..^ending.Length], matrix);
        return (name, null);
    }

    private ITensorFile OpenFile(string path)
    {
        var file = TensorFile.Open(path);
        _files.Add(file);
        return file;
    }
}
