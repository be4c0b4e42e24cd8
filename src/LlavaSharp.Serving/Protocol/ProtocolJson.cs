using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace LlavaSharp.Serving.Protocol;

/// <summary>Reads the parts of messages.</summary>
internal static class ProtocolJson
{
    private const int MostDepth = 64;

    private static readonly JsonDocumentOptions _limits = new() { MaxDepth = MostDepth, AllowDuplicateProperties = false };

    /// <summary>The object that a body holds.</summary>
    /// <exception cref="ProtocolException">It is no JSON object.</exception>
    public static JsonObject Object(ReadOnlySpan<byte> body) => Node(body) as JsonObject ?? throw new ProtocolException("The body is no JSON object.");

    /// <summary>The value that a body holds. All that can be wrong with it is found here, not where a part of it is first looked at.</summary>
    /// <exception cref="ProtocolException">It is no JSON, a name stands twice, or a text holds half a character.</exception>
    public static JsonNode? Node(ReadOnlySpan<byte> body)
    {
        try
        {
            CheckTexts(body);
            return JsonNode.Parse(body, documentOptions: _limits);
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new ProtocolException($"The body is no JSON: {exception.Message}", exception);
        }
    }

    // bytes that are no UTF-8, and half a character that is written as an escape, pass the parser
    private static void CheckTexts(ReadOnlySpan<byte> body)
    {
        if (!Utf8.IsValid(body))
            throw new JsonException("It is not UTF-8.");
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MostDepth });
        while (reader.Read())
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                _ = reader.GetString();
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
