using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Checkpoints;

/// <summary>Typed values of a JSON object; a value of the wrong type or out of range is an error that names key and file.</summary>
internal readonly struct ConfigReader(JsonObject json, string file)
{
    public bool Has(string key) => json.ContainsKey(key);

    /// <summary>Whether the key is there with the value null.</summary>
    public bool IsNull(string key) => json.TryGetPropertyValue(key, out var node) && node is null;

    public string? Text(string key)
    {
        var node = json[key];
        if (node is null)
            return null;
        return node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : throw Wrong(key, "a text");
    }

    public bool? Flag(string key)
    {
        var node = json[key];
        return node?.GetValueKind() switch
        {
            null => null,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(key, "true or false"),
        };
    }

    /// <summary>A whole number within limits; numbers such as 32.0 count as whole.</summary>
    public int? Integer(string key, int least, int most)
    {
        if (Number(key) is not { } value)
            return null;
        if (value != Math.Floor(value) || value < least || value > most)
            throw Wrong(key, $"a whole number from {least} to {most}");
        return (int)value;
    }

    /// <summary>A finite number within limits.</summary>
    public double? Number(string key, double least, double most)
    {
        if (Number(key) is not { } value)
            return null;
        if (!(value >= least && value <= most))
            throw Wrong(key, FormattableString.Invariant($"a number from {least} to {most}"));
        return value;
    }

    public ConfigReader? Object(string key) => json[key] switch
    {
        null => null,
        JsonObject inner => new(inner, file),
        _ => throw Wrong(key, "an object"),
    };

    /// <summary>A list of texts, or one text alone.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        if (json[key] is not JsonArray array)
            return Text(key) is { } text ? [text] : [];
        var result = new List<string>();
        foreach (var item in array)
            result.Add(item?.GetValueKind() == JsonValueKind.String ? item.GetValue<string>() : throw Wrong(key, "a list of texts"));
        return result;
    }

    /// <summary>A list of whole numbers, or one alone; empty when absent or null.</summary>
    public IReadOnlyList<int> Integers(string key)
    {
        if (json[key] is not JsonArray array)
            return Integer(key, int.MinValue, int.MaxValue) is { } one ? [one] : [];
        var result = new List<int>();
        foreach (var item in array)
            result.Add(item is JsonValue value && value.TryGetValue(out int number) ? number : throw Wrong(key, "a whole number or a list of them"));
        return result;
    }

    public JsonNode? Node(string key) => json[key];

    public CheckpointException Wrong(string key, string due) => new($"'{file}': the key '{key}' is {Show(json[key])}, but must be {due}.", file);

    public CheckpointException Lacks(string key, string why) => new($"'{file}' lacks the key '{key}': {why}.", file);

    private double? Number(string key)
    {
        var node = json[key];
        if (node is null)
            return null;
        if (node.GetValueKind() != JsonValueKind.Number)
            throw Wrong(key, "a number");
        // text, because a node built in memory and one that was parsed convert differently
        return double.TryParse(node.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : throw Wrong(key, "a finite number");
    }

    private static string Show(JsonNode? node)
    {
        var text = node?.ToJsonString() ?? "null";
        return text.Length > 60 ? text[..60] + "..." : text;
    }
}
