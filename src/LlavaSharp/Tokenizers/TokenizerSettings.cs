using System.Globalization;
using System.Text.Json;

namespace LlavaSharp.Tokenizers;

/// <summary>
/// What <c>tokenizer_config.json</c>, <c>special_tokens_map.json</c> and <c>added_tokens.json</c> say together.
/// When the first holds <c>added_tokens_decoder</c> the other two are not read, as in the original.
/// </summary>
internal sealed class TokenizerSettings
{
    public const string ConfigFile = "tokenizer_config.json";

    /// <summary>The named special tokens in the order in which missing ones are added to the vocabulary.</summary>
    public static readonly IReadOnlyList<string> NamedTokens =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    private Dictionary<string, string?> _named = [];
    private readonly HashSet<string> _seenAdditional = [];

    /// <summary>The tokenizer's class without a trailing "Fast", or null.</summary>
    public string? ClassName { get; init; }

    public bool? Legacy { get; init; }

    public bool? AddBeginning { get; init; }

    public bool? AddEnd { get; init; }

    public bool? AddPrefixSpace { get; init; }

    public bool? CleanUpSpaces { get; init; }

    /// <summary>The class rules of LLaMA apply: its default tokens, and its own template for the beginning and end ids.</summary>
    public bool IsLlama => ClassName == "LlamaTokenizer";

    /// <summary>The special tokens that the class takes when no file names them.</summary>
    public (string? Beginning, string? End, string? Unknown) DefaultTokens => ClassName switch
    {
        "LlamaTokenizer" => ("<s>", "</s>", "<unk>"),
        "GPTNeoXTokenizer" or "GPT2Tokenizer" => ("<|endoftext|>", "<|endoftext|>", "<|endoftext|>"),
        _ => (null, null, null),
    };

    public List<string> AdditionalSpecialTokens { get; private init; } = [];

    /// <summary>The added tokens with the ids that the files give them.</summary>
    public SortedDictionary<int, AddedToken> AddedTokens { get; private init; } = [];

    /// <summary>A named special token such as "bos_token", or null; <paramref name="fallback"/> holds when no file names it.</summary>
    public string? Named(string name, string? fallback = null) => _named.TryGetValue(name, out var value) ? value : fallback;

    /// <summary>Names a special token.</summary>
    public void SetNamed(string name, string? value) => _named[name] = value;

    /// <summary>The same settings for the class of LLaMA.</summary>
    public TokenizerSettings AsLlama() => new()
    {
        ClassName = "LlamaTokenizer",
        Legacy = Legacy,
        AddBeginning = AddBeginning,
        AddEnd = AddEnd,
        AddPrefixSpace = AddPrefixSpace,
        CleanUpSpaces = CleanUpSpaces,
        AdditionalSpecialTokens = AdditionalSpecialTokens,
        AddedTokens = AddedTokens,
        _named = _named,
    };

    /// <summary>Reads the files of a folder; those that are missing are no error.</summary>
    public static TokenizerSettings Load(string folder) => Read(folder, path => File.Exists(path) ? JsonReading.ReadFile(path) : null);

    /// <summary>The same with the bytes of a file from <paramref name="read"/>, null when it is missing.</summary>
    public static TokenizerSettings Read(string folder, Func<string, byte[]?> read)
    {
        var configFile = Path.Combine(folder, ConfigFile);
        var root = Parse(configFile, read) ?? default;
        var className = root.Get("tokenizer_class")?.Text("'tokenizer_class'", configFile);
        var settings = new TokenizerSettings
        {
            ClassName = className is not null && className.EndsWith("Fast", StringComparison.Ordinal) ? className[..^4] : className,
            Legacy = OptionalFlag(root, "legacy", configFile),
            AddBeginning = OptionalFlag(root, "add_bos_token", configFile),
            AddEnd = OptionalFlag(root, "add_eos_token", configFile),
            AddPrefixSpace = OptionalFlag(root, "add_prefix_space", configFile),
            CleanUpSpaces = OptionalFlag(root, "clean_up_tokenization_spaces", configFile),
        };
        settings.ReadSpecialTokens(root, configFile);
        if (root.Get("added_tokens_decoder") is not null)
        {
            foreach (var (key, value) in root.Entries("added_tokens_decoder", configFile))
            {
                if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                    throw new TokenizerException($"'{configFile}': '{key}' in 'added_tokens_decoder' is no id.", configFile);
                settings.AddedTokens[id] = ReadAddedToken(value, configFile);
            }
        }
        else
        {
            settings.ReadOlderFiles(folder, read);
        }
        return settings;
    }

    /// <summary>An added token as the JSON files describe it.</summary>
    public static AddedToken ReadAddedToken(JsonElement element, string file)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new TokenizerException($"'{file}': an added token must be an object, not {element.ValueKind}.", file);
        var special = element.Flag("special", false, file);
        return new AddedToken(
            element.RequiredText("content", file),
            special,
            element.Flag("lstrip", false, file),
            element.Flag("rstrip", false, file),
            element.Flag("single_word", false, file),
            element.Flag("normalized", !special, file));
    }

    private void ReadOlderFiles(string folder, Func<string, byte[]?> read)
    {
        var mapFile = Path.Combine(folder, "special_tokens_map.json");
        if (Parse(mapFile, read) is { } map)
            ReadSpecialTokens(map, mapFile);
        var addedFile = Path.Combine(folder, "added_tokens.json");
        if (Parse(addedFile, read) is not { } added)
            return;
        var special = new HashSet<string?>(AdditionalSpecialTokens.Concat(_named.Values));
        foreach (var (content, id) in added.EnumerateObject().Select(property => (property.Name, property.Value)))
        {
            var isSpecial = special.Contains(content);
            AddedTokens[id.Id($"the id of '{content}'", addedFile)] = new AddedToken(content, isSpecial, Normalized: !isSpecial);
        }
    }

    private void ReadSpecialTokens(JsonElement element, string file)
    {
        if (element.ValueKind != JsonValueKind.Object)
            return;
        foreach (var name in NamedTokens)
            if (element.TryGetProperty(name, out var value))
                _named[name] = value.ValueKind == JsonValueKind.Null ? null : TokenText(value, name, file);
        foreach (var token in element.Items("additional_special_tokens", file))
        {
            var content = TokenText(token, "additional_special_tokens", file);
            if (_seenAdditional.Add(content))
                AdditionalSpecialTokens.Add(content);
        }
    }

    private static string TokenText(JsonElement value, string name, string file) =>
        value.ValueKind == JsonValueKind.Object ? value.RequiredText("content", file) : value.Text($"'{name}'", file);

    private static bool? OptionalFlag(JsonElement element, string name, string file) =>
        element.Get(name) is null ? null : element.Flag(name, false, file);

    private static JsonElement? Parse(string path, Func<string, byte[]?> read) =>
        read(path) is { } bytes ? JsonReading.ParseObject(bytes, path) : null;
}
