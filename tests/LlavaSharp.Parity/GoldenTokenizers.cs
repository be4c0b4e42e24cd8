using System.Text.Json;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Parity;

/// <summary>The tokenizers that <c>tokenizers/names.json</c> names for all areas, each loaded once.</summary>
public sealed class GoldenTokenizers
{
    private readonly string _root;
    private readonly JsonElement _names;
    private readonly Dictionary<string, Tokenizer> _loaded = [];

    public GoldenTokenizers(string root)
    {
        _root = root;
        _names = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(root, "tokenizers", "names.json"))).RootElement;
    }

    public IEnumerable<string> Names => _names.EnumerateObject().Select(property => property.Name);

    public bool Knows(string name) => _names.TryGetProperty(name, out _);

    /// <summary>The folder of a tokenizer, relative to the root.</summary>
    public string Folder(string name) => _names.GetProperty(name).GetProperty("folder").GetString()!;

    public JsonElement Description(string name) => _names.GetProperty(name);

    /// <summary>The tokenizer with its added tokens; shared, so do not add more.</summary>
    public Tokenizer this[string name] => _loaded.TryGetValue(name, out var tokenizer) ? tokenizer : _loaded[name] = Load(name);

    /// <summary>A tokenizer of one's own.</summary>
    public Tokenizer Load(string name)
    {
        var kind = Description(name).GetProperty("kind").GetString() switch
        {
            "slow" => TokenizerKind.Slow,
            "fast" => TokenizerKind.Fast,
            var other => throw new InvalidDataException($"the kind '{other}' is not known"),
        };
        var tokenizer = TokenizerLoader.Load(Path.Combine(_root, Folder(name)), kind);
        foreach (var token in Description(name).GetProperty("added_tokens").EnumerateArray())
            tokenizer.AddToken(token.GetProperty("content").GetString()!, token.GetProperty("special").GetBoolean());
        return tokenizer;
    }
}
