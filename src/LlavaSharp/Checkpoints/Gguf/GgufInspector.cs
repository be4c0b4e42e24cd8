using LlavaSharp.Prompts;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>Makes the report behind <c>llava inspect</c> for a GGUF file, from its header alone.</summary>
internal static class GgufInspector
{
    private const string LoadedArchitecture = "llama";
    private const string TowerArchitecture = "clip";

    // what most architectures have, in the order of the report
    private static readonly string[] _dimensions =
    [
        "context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count", "attention.head_count_kv", "attention.key_length",
        "expert_count", "vocab_size", "vision.image_size", "vision.patch_size", "vision.embedding_length", "vision.block_count", "vision.feed_forward_length",
        "vision.attention.head_count", "vision.projection_dim",
    ];

    /// <summary>Tells what an open file holds.</summary>
    public static CheckpointKind Kind(GgufFile file) => Architecture(file) == TowerArchitecture ? CheckpointKind.VisionTower : CheckpointKind.LanguageModelOnly;

    /// <summary>Looks at a file's header.</summary>
    /// <exception cref="CheckpointException">The file is malformed.</exception>
    public static CheckpointReport Inspect(string path, Func<string, bool, string>? inferTemplate)
    {
        using var file = GgufFile.Open(path);
        var hasChatTemplate = GgufTokenizer.ChatTemplate(file) is not null;
        var report = Architecture(file) == LoadedArchitecture ? InspectLanguageModel(path) : InspectUnknown(file, path);
        return report with
        {
            Kind = Kind(file),
            HasChatTemplate = hasChatTemplate,
            Template = report.Kind == CheckpointKind.VisionTower ? null : inferTemplate?.Invoke(ModelNames.FromPath(path), hasChatTemplate),
            Gguf = Describe(file),
        };
    }

    private static CheckpointReport InspectLanguageModel(string path)
    {
        using var checkpoint = GgufCheckpoint.Open(path);
        return CheckpointInspector.Describe(path, CheckpointKind.LanguageModelOnly, [path], checkpoint.Tensors.Values, 0)
            .Compare(ExpectedTensors.For(checkpoint.Config), checkpoint.Tensors.Values) with
        {
            Family = checkpoint.Config.Family,
            DataTypes = new Dictionary<StoredDataType, long>(),
        };
    }

    private static CheckpointReport InspectUnknown(GgufFile file, string path)
    {
        var kind = Kind(file);
        var parts = new SortedDictionary<ModelPart, long>();
        foreach (var tensor in file.Tensors.Values)
        {
            // a file of this kind holds the projector beside the tower
            var part = kind != CheckpointKind.VisionTower ? ModelPart.LanguageModel
                : tensor.Name == "model.image_newline" ? ModelPart.ImageNewline
                : tensor.Name.StartsWith("mm.", StringComparison.Ordinal) ? ModelPart.Projector
                : ModelPart.VisionTower;
            parts[part] = parts.GetValueOrDefault(part) + Count(tensor);
        }
        return new()
        {
            Folder = path,
            Kind = kind,
            Parameters = parts,
            DataTypes = new Dictionary<StoredDataType, long>(),
            BytesOnDisk = new FileInfo(path).Length,
            EstimatedMemory = new Dictionary<string, long>(),
        };
    }

    private static GgufReport Describe(GgufFile file)
    {
        var architecture = Architecture(file);
        var dimensions = new OrderedDictionary<string, long>();
        foreach (var name in _dimensions)
        {
            // some architectures have a size for each layer: those are left out
            if (file.Metadata.GetValueOrDefault($"{architecture}.{name}") switch { ulong value and <= long.MaxValue => (long)value, long value => value, _ => (long?)null } is { } size)
                dimensions.Add(name, size);
        }
        return new()
        {
            Architecture = architecture,
            ModelName = file.Find<string>("general.name"),
            CanBeLoaded = architecture == LoadedArchitecture,
            Dimensions = dimensions,
            TensorTypes =
            [
                .. file.Tensors.Values.GroupBy(tensor => tensor.Type)
                    .Select(group => new GgufTypeCount(group.Key.ToString(), group.Count(), group.Sum(Count), group.Sum(tensor => tensor.Rows * tensor.RowBytes)))
                    .OrderByDescending(type => type.Parameters),
            ],
            Tokenizer = file.Find<string>("tokenizer.ggml.model"),
            PreTokenizer = file.Find<string>("tokenizer.ggml.pre"),
            Tokens = file.Find<string[]>("tokenizer.ggml.tokens")?.Length,
        };
    }

    private static string Architecture(GgufFile file) => file.Find<string>("general.architecture")
        ?? throw new CheckpointException($"'{file.File}' lacks the value 'general.architecture'. Convert the model again.", file.File);

    private static long Count(GgufTensor tensor) => tensor.Rows * tensor.RowLength;
}
