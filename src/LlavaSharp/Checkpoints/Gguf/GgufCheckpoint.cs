using System.Text.Json.Nodes;

namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>A language model of the LLaMA family in one GGUF file, seen as a checkpoint: a config, and tensors under their usual names.</summary>
internal sealed class GgufCheckpoint : IDisposable
{
    private readonly GgufFile _file;
    private readonly List<GgufTensorMemory> _restored = [];

    private GgufCheckpoint(GgufFile file)
    {
        _file = file;
        var architecture = file.Find<string>("general.architecture");
        if (architecture != "llama")
            throw new CheckpointException($"'{file.File}' holds a model of the architecture '{architecture}'; language models of the architecture 'llama' are read.", file.File);
        Config = LlavaConfig.FromJson(ReadConfig(file), file.File);
        Tensors = NameTensors();
    }

    /// <summary>The config that the file's values make up.</summary>
    public LlavaConfig Config { get; }

    /// <summary>The file itself.</summary>
    public GgufFile File => _file;

    /// <summary>The tensors in single precision, restored when they are first touched.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>Whether a path is a file that begins as a GGUF file does.</summary>
    public static bool Is(string path)
    {
        if (!System.IO.File.Exists(path))
            return false;
        Span<byte> start = stackalloc byte[4];
        using var stream = System.IO.File.OpenRead(path);
        return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual("GGUF"u8);
    }

    /// <summary>Opens a file.</summary>
    /// <exception cref="CheckpointException">It is missing or malformed, or holds another kind of model.</exception>
    public static GgufCheckpoint Open(string path) => Open(GgufFile.Open(path));

    /// <summary>Takes over a file that is open.</summary>
    internal static GgufCheckpoint Open(GgufFile file)
    {
        try
        {
            return new(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var memory in _restored)
            memory.Dispose();
        _file.Dispose();
    }

    private static JsonObject ReadConfig(GgufFile file)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["hidden_size"] = file.RequiredInteger("llama.embedding_length"),
            ["intermediate_size"] = file.RequiredInteger("llama.feed_forward_length"),
            ["num_hidden_layers"] = file.RequiredInteger("llama.block_count"),
            ["num_attention_heads"] = file.RequiredInteger("llama.attention.head_count"),
            ["num_key_value_heads"] = file.Integer("llama.attention.head_count_kv") ?? file.RequiredInteger("llama.attention.head_count"),
            ["max_position_embeddings"] = file.RequiredInteger("llama.context_length"),
            ["rms_norm_eps"] = file.Number("llama.attention.layer_norm_rms_epsilon") ?? 1e-5,
            ["rope_theta"] = file.Number("llama.rope.freq_base") ?? 10_000,
            ["attention_bias"] = file.Tensors.ContainsKey("blk.0.attn_q.bias"),
            ["mlp_bias"] = file.Tensors.ContainsKey("blk.0.ffn_gate.bias"),
            ["tie_word_embeddings"] = !file.Tensors.ContainsKey("output.weight"),
            ["vocab_size"] = file.Tensors.TryGetValue("token_embd.weight", out var embedding) ? embedding.Rows
                : throw new CheckpointException($"'{file.File}' has no tensor 'token_embd.weight'. Convert the model again.", file.File),
        };
        if (file.Integer("llama.attention.key_length") is { } width)
            config["head_dim"] = width;
        if (file.Find<string>("llama.rope.scaling.type") is { } scaling && scaling != "none")
        {
            if (scaling != "linear")
                throw new CheckpointException($"'{file.File}' scales its positions by '{scaling}'; 'linear' and 'none' are read.", file.File);
            config["rope_scaling"] = new JsonObject { ["type"] = "linear", ["factor"] = file.Number("llama.rope.scaling.factor") ?? 1 };
        }
        foreach (var (key, name) in new[] { ("bos_token_id", "bos_token_id"), ("pad_token_id", "padding_token_id") })
        {
            if (file.Integer($"tokenizer.ggml.{name}") is { } id)
                config[key] = id;
        }
        // a turn may end otherwise than a text: both end an answer
        int?[] ends = [file.Integer("tokenizer.ggml.eos_token_id"), file.Integer("tokenizer.ggml.eot_token_id")];
        if (ends.OfType<int>().Distinct().ToArray() is { Length: > 0 } given)
            config["eos_token_id"] = new JsonArray([.. given.Select(id => (JsonNode)id)]);
        return config;
    }

    private Dictionary<string, StoredTensor> NameTensors()
    {
        var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var tensor in _file.Tensors.Values)
        {
            var name = GgufNames.Usual(tensor.Name);
            var heads = Heads(name);
            var rows = tensor.Shape.Length == 0 ? 1 : tensor.Shape[0];
            if (heads > 0 && rows % (2L * heads) != 0)
                throw new CheckpointException($"Tensor '{tensor.Name}' of '{_file.File}' has {rows} rows, which {heads} heads of an even width do not make up.", _file.File, tensor.Name);
            var memory = new GgufTensorMemory(tensor, heads, _file.File);
            _restored.Add(memory);
            if (!tensors.TryAdd(name, new(name, StoredDataType.Float32, tensor.Shape, null, _file.File, memory, 0, memory.Length)))
                throw new CheckpointException($"'{_file.File}' holds the tensor '{name}' under two names.", _file.File, tensor.Name);
        }
        return tensors;
    }

    private int Heads(string name) =>
        name.EndsWith(".q_proj.weight", StringComparison.Ordinal) || name.EndsWith(".q_proj.bias", StringComparison.Ordinal) ? Config.NumAttentionHeads
        : name.EndsWith(".k_proj.weight", StringComparison.Ordinal) || name.EndsWith(".k_proj.bias", StringComparison.Ordinal) ? Config.NumKeyValueHeads
        : 0;
}
