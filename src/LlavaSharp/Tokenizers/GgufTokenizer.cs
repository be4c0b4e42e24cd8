using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Tokenizers;

/// <summary>The tokenizer that a GGUF file carries: a SentencePiece vocabulary (<c>llama</c>) or byte-level BPE (<c>gpt2</c>).</summary>
internal static class GgufTokenizer
{
    /// <summary>The name of a file that holds a tokenizer and no tensors, in the folder of a model that was made from a GGUF file.</summary>
    public const string FileName = "tokenizer.gguf";

    private const int Control = 3;
    private const int UserDefined = 4;

    // how the vocabularies cut text before the merges; each is the Hugging Face component of the model that names it
    private static readonly Dictionary<string, string> _preTokenizers = new(StringComparer.Ordinal)
    {
        ["smollm"] = """{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]}""",
        ["gpt-2"] = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}""",
    };

    /// <summary>Reads the tokenizer.</summary>
    /// <exception cref="TokenizerException">The file carries none, or one of another kind.</exception>
    public static Tokenizer Read(GgufFile file)
    {
        if (file.Find<string[]>("tokenizer.ggml.tokens") is not { } tokens)
            throw new TokenizerException($"'{file.File}' carries no tokenizer (tokenizer.ggml.tokens). Convert the model again.", file.File);
        var types = file.Find<long[]>("tokenizer.ggml.token_type") ?? [];
        if (types.Length != 0 && types.Length != tokens.Length)
            throw new TokenizerException($"'{file.File}' has {tokens.Length} tokens, but the types of {types.Length}.", file.File);
        return file.Find<string>("tokenizer.ggml.model") switch
        {
            "llama" => SentencePiece(file, tokens, types),
            "gpt2" => ByteLevel(file, tokens, types),
            var other => throw new TokenizerException($"'{file.File}' has a tokenizer of the kind '{other}'; 'llama' and 'gpt2' are read.", file.File),
        };
    }

    /// <summary>The chat template that the file carries, or null.</summary>
    /// <exception cref="LlavaSharp.Checkpoints.CheckpointException">It is no text.</exception>
    public static string? ChatTemplate(GgufFile file) => file.Find<string>("tokenizer.chat_template");

    private static SentencePieceTokenizer SentencePiece(GgufFile file, string[] tokens, long[] types)
    {
        var scores = file.Find<double[]>("tokenizer.ggml.scores") ?? [];
        if (scores.Length != tokens.Length)
            throw new TokenizerException($"'{file.File}' has {tokens.Length} tokens, but the scores of {scores.Length}.", file.File);
        var pieces = new SentencePiece[tokens.Length];
        for (var id = 0; id < tokens.Length; id++)
            pieces[id] = new(tokens[id], (float)scores[id], types.Length == 0 ? SentencePieceType.Normal : (SentencePieceType)types[id]);
        var prefix = file.Flag("tokenizer.ggml.add_space_prefix") ?? true;
        var model = new SentencePieceModel(pieces, SentencePieceAlgorithm.Bpe, byteFallback: pieces.Any(piece => piece.Type == SentencePieceType.Byte), file.File, addDummyPrefix: prefix);
        var settings = Settings(file, tokens, "LlamaTokenizer", addBeginning: true);
        return new(model, settings);
    }

    private static JsonTokenizer ByteLevel(GgufFile file, string[] tokens, long[] types) =>
        JsonTokenizer.Parse(JsonSerializer.SerializeToUtf8Bytes(ToJson(file, tokens, types)), file.File, Settings(file, tokens, "GPT2Tokenizer", addBeginning: false));

    /// <summary>A byte-level vocabulary as the <c>tokenizer.json</c> of a Hugging Face folder has it.</summary>
    internal static JsonObject ToJson(GgufFile file) =>
        ToJson(file, file.Find<string[]>("tokenizer.ggml.tokens") ?? [], file.Find<long[]>("tokenizer.ggml.token_type") ?? []);

    private static JsonObject ToJson(GgufFile file, string[] tokens, long[] types)
    {
        var name = file.Find<string>("tokenizer.ggml.pre") ?? "gpt-2";
        if (!_preTokenizers.TryGetValue(name, out var preTokenizer))
            throw new TokenizerException($"'{file.File}' cuts text as '{name}'; {string.Join(", ", _preTokenizers.Keys)} are read. Use the model's Hugging Face folder instead.", file.File);
        var vocabulary = new JsonObject();
        for (var id = 0; id < tokens.Length; id++)
        {
            if (!vocabulary.TryAdd(tokens[id], id))
                throw new TokenizerException($"'{file.File}' has the token '{tokens[id]}' twice.", file.File);
        }
        var added = new JsonArray();
        for (var id = 0; id < types.Length; id++)
        {
            if (types[id] is Control or UserDefined)
                added.Add(new JsonObject { ["id"] = id, ["content"] = tokens[id], ["special"] = types[id] == Control, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false });
        }
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = added,
            ["normalizer"] = null,
            ["pre_tokenizer"] = JsonNode.Parse(preTokenizer),
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = true, ["use_regex"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. (file.Find<string[]>("tokenizer.ggml.merges") ?? []).Select(merge => JsonValue.Create(merge))]),
            },
        };
    }

    private static TokenizerSettings Settings(GgufFile file, string[] tokens, string className, bool addBeginning)
    {
        var settings = new TokenizerSettings
        {
            ClassName = className,
            AddBeginning = file.Flag("tokenizer.ggml.add_bos_token") ?? addBeginning,
            AddEnd = file.Flag("tokenizer.ggml.add_eos_token") ?? false,
            CleanUpSpaces = false,
        };
        foreach (var (name, key) in new[] { ("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"), ("pad_token", "padding") })
        {
            if (file.Integer($"tokenizer.ggml.{key}_token_id") is not { } id)
                continue;
            if (id < 0 || id >= tokens.Length)
                throw new TokenizerException($"'{file.File}': the {name} has the id {id}, but there are {tokens.Length} tokens.", file.File);
            settings.SetNamed(name, tokens[id]);
        }
        return settings;
    }
}
