using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Serving.Protocol;

/// <summary>Reads the parts of messages.</summary>
internal static class ProtocolJson
{
    private static readonly JsonDocumentOptions _limits = new() { MaxDepth = 64 };

    /// <summary>The object that a body holds.</summary>
    /// <exception cref="ProtocolException">It is no JSON object.</exception>
    public static JsonObject Object(ReadOnlySpan<byte> body)
    {
        try
        {
            var json = JsonNode.Parse(body, documentOptions: _limits) as JsonObject ?? throw new ProtocolException("The body is no JSON object.");
            _ = json.Count;   // names that occur twice are found when the object is first looked into
            return json;
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw new ProtocolException($"The body is no JSON: {exception.Message}", exception);
        }
    }

    /// <summary>A text of an object.</summary>
    /// <exception cref="ProtocolException">It is missing or no text.</exception>
    public static string Text(JsonObject json, string key) => Text(json[key], key);

    /// <summary>A text.</summary>
    /// <exception cref="ProtocolException">It is missing or no text.</exception>
    public static string Text(JsonNode? value, string key) =>
        value is JsonValue text && text.TryGetValue<string>(out var found) ? found : throw new ProtocolException($"'{key}' is missing or no text.");

    /// <summary>A finite number of an object.</summary>
    /// <exception cref="ProtocolException">It is missing or no number.</exception>
    public static double Number(JsonObject json, string key) =>
        json[key] is JsonValue number && number.GetValueKind() == JsonValueKind.Number && number.TryGetValue<double>(out var found) && double.IsFinite(found)
            ? found : throw new ProtocolException($"'{key}' is missing or no number.");

    /// <summary>A truth value of an object.</summary>
    /// <exception cref="ProtocolException">It is missing or none.</exception>
    public static bool Flag(JsonObject json, string key) =>
        json[key] is JsonValue flag && flag.TryGetValue<bool>(out var found) ? found : throw new ProtocolException($"'{key}' is missing or neither true nor false.");

    /// <summary>A number as Python writes it that has read it: whole where it is.</summary>
    public static JsonNode Number(double value) => value == Math.Floor(value) && Math.Abs(value) < 1L << 53 ? JsonValue.Create((long)value) : JsonValue.Create(value);
}
