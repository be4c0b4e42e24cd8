using System.Text.Json.Nodes;

namespace LlavaSharp.Checkpoints;

/// <summary>
/// A checkpoint's <c>config.json</c>: the keys of its language model with the defaults of the original's library, and the keys that LLaVA adds.
/// Keys that are not known are kept in <see cref="Json"/> and otherwise ignored. A key that is there with null counts as absent, unless said otherwise.
/// </summary>
public sealed partial class LlavaConfig
{
    private const int MaxWidth = 1 << 20;
    private const int MaxLayers = 1024;
    private const int MaxVocabulary = 1 << 26;

    private readonly JsonObject _json;

    private LlavaConfig(JsonObject json, string file, LlavaConfig? changed = null)
    {
        if (changed is not null)
            (VisionConfig, ImageTokenId) = (changed.VisionConfig, changed.ImageTokenId);
        else if (HuggingFaceLayout.Is(json))
            (json, VisionConfig, ImageTokenId) = HuggingFaceLayout.Read(json, file);
        (_json, File) = (json, file);
        var reader = new ConfigReader(_json, file);
        ModelType = reader.Text("model_type") ?? "";
        Architectures = reader.Texts("architectures");
        (Family, FamilyIsStated) = DecideFamily(ModelType, Architectures, reader);
        ReadLanguageModel(reader);
        ReadVision(reader);
        ConversationTemplate = reader.Text("conversation_template");
    }

    /// <summary>The file it came from, for messages.</summary>
    public string File { get; }

    /// <summary>A copy of the whole object, unknown keys included; of the Hugging Face layout its translation into the original's keys.</summary>
    public JsonObject Json => (JsonObject)_json.DeepClone();

    /// <summary>The conversation template that the model was trained with (a key of ours; the original goes by the model's name); null when the file does not say.</summary>
    public string? ConversationTemplate { get; }

    /// <summary>The config of the vision tower inside the checkpoint, which the Hugging Face layout carries; null: <see cref="MmVisionTower"/> names a folder.</summary>
    public ClipVisionConfig? VisionConfig { get; }

    /// <summary>The vocabulary's own id of a picture, which the Hugging Face layout has; null in the original's layout, which has none.</summary>
    public int? ImageTokenId { get; }

    /// <summary>Whether the file had the layout of Hugging Face's own classes (<c>llava-hf</c>).</summary>
    public bool IsHuggingFace => VisionConfig is not null;

    /// <summary>The key <c>model_type</c>, or empty; informational.</summary>
    public string ModelType { get; }

    /// <summary>The key <c>architectures</c>, or empty.</summary>
    public IReadOnlyList<string> Architectures { get; }

    /// <summary>The language model, from <c>model_type</c>, else <c>architectures</c>, else the keys that are there.</summary>
    public ModelFamily Family { get; }

    /// <summary>Whether <c>model_type</c>, <c>architectures</c> or MPT's own keys decided <see cref="Family"/>; else LLaMA is assumed.</summary>
    public bool FamilyIsStated { get; }

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="CheckpointException">The file cannot be read, or a value has the wrong type or is out of range.</exception>
    public static LlavaConfig Load(string path) => new(ConfigFile.Read(path), path);

    /// <summary>Parses the bytes of a <c>config.json</c>; <paramref name="file"/> is for messages.</summary>
    /// <exception cref="CheckpointException">The bytes are no JSON object, or a value has the wrong type or is out of range.</exception>
    public static LlavaConfig Parse(ReadOnlySpan<byte> utf8, string file = "config.json") => new(ConfigFile.Parse(utf8, file), file);

    /// <summary>Takes the values of an object that was built in memory, which is copied; <paramref name="file"/> is for messages.</summary>
    /// <exception cref="CheckpointException">A value has the wrong type or is out of range.</exception>
    public static LlavaConfig FromJson(JsonObject json, string file = "config.json") => new((JsonObject)json.DeepClone(), file);

    /// <summary>The same config with some keys set to other values; null is a value.</summary>
    /// <exception cref="CheckpointException">A value has the wrong type or is out of range.</exception>
    public LlavaConfig With(IEnumerable<KeyValuePair<string, JsonNode?>> overrides)
    {
        var json = Json;
        foreach (var (key, value) in overrides)
            json[key] = value?.DeepClone();
        return new(json, File, this);
    }

    /// <summary>The same config with one key set to another value; null is a value.</summary>
    /// <exception cref="CheckpointException">The value has the wrong type or is out of range.</exception>
    public LlavaConfig With(string key, JsonNode? value) => With([new(key, value)]);

    private static (ModelFamily Family, bool Stated) DecideFamily(string modelType, IReadOnlyList<string> architectures, ConfigReader reader)
    {
        foreach (var text in architectures.Prepend(modelType))
        {
            // "llava" alone says nothing: published files of every family carry it
            if (text.Contains("mistral", StringComparison.OrdinalIgnoreCase))
                return (ModelFamily.Mistral, true);
            if (text.Contains("mpt", StringComparison.OrdinalIgnoreCase))
                return (ModelFamily.Mpt, true);
            if (text.Contains("llama", StringComparison.OrdinalIgnoreCase))
                return (ModelFamily.Llama, true);
        }
        if (reader.Has("d_model") && reader.Has("n_layers"))
            return (ModelFamily.Mpt, true);
        if (modelType is "" || modelType.Contains("llava", StringComparison.OrdinalIgnoreCase))
            return (ModelFamily.Llama, false);
        throw reader.Wrong("model_type", "a model that can be loaded here: llava_llama, llava_mistral, llava_mpt, llava, llama, mistral or mpt");
    }
}
