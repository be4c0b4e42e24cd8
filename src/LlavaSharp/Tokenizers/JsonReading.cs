using System.Text.Json;
using System.Text.Unicode;

namespace LlavaSharp.Tokenizers;

/// <summary>Reads JSON of foreign origin: every wrong type or missing key becomes a <see cref="TokenizerException"/> that names the file.</summary>
internal static class JsonReading
{
    // larger than any published tokenizer file, small enough to read at once
    private const long LargestFile = 512L << 20;

    public static byte[] ReadFile(string path)
    {
        try
        {
            var length = new FileInfo(path).Length;
            if (length > LargestFile)
                throw new TokenizerException($"'{path}' is {length} bytes long; a tokenizer file has at most {LargestFile}.", path);
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException($"Cannot read '{path}': {exception.Message}", path, exception);
        }
    }

    public static JsonElement ParseObject(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            if (json.Span.StartsWith("\uFEFF"u8))
                json = json[3..];
            CheckText(json.Span, file);
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new TokenizerException($"'{file}' is not a JSON object.", file);
            return document.RootElement.Clone();
        }
        catch (JsonException exception)
        {
            throw new TokenizerException($"'{file}' is not valid JSON: {exception.Message}", file, exception);
        }
    }

    /// <summary>The property, or null when it is missing or null.</summary>
    public static JsonElement? Get(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string Text(this JsonElement element, string what, string file)
    {
        if (element.ValueKind != JsonValueKind.String)
            throw new TokenizerException($"'{file}': {what} must be a string, not {element.ValueKind}.", file);
        return element.GetString()!;
    }

    public static string RequiredText(this JsonElement element, string name, string file) =>
        (element.Get(name) ?? throw new TokenizerException($"'{file}': '{name}' is missing.", file)).Text($"'{name}'", file);

    public static bool Flag(this JsonElement element, string name, bool missing, string file) => element.Get(name) switch
    {
        null => missing,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } other => throw new TokenizerException($"'{file}': '{name}' must be true or false, not {other.ValueKind}.", file),
    };

    public static int Id(this JsonElement element, string what, string file) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var id) && id >= 0
            ? id
            : throw new TokenizerException($"'{file}': {what} must be an id, a whole number from 0 to {int.MaxValue}.", file);

    /// <summary>The elements of an array; none when the property is missing.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, string name, string file) => element.Get(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } array => array.EnumerateArray(),
        { } other => throw new TokenizerException($"'{file}': '{name}' must be an array, not {other.ValueKind}.", file),
    };

    /// <summary>The properties of an object; none when the property is missing.</summary>
    public static IEnumerable<(string Name, JsonElement Value)> Entries(this JsonElement element, string name, string file)
    {
        if (element.Get(name) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Object)
            throw new TokenizerException($"'{file}': '{name}' must be an object, not {value.ValueKind}.", file);
        return value.EnumerateObject().Select(property => (property.Name, property.Value));
    }

    // every name and string is checked once, so that later look-ups cannot come upon one that is no text
    private static void CheckText(ReadOnlySpan<byte> json, string file)
    {
        if (!Utf8.IsValid(json))
            throw new TokenizerException($"'{file}' is not valid UTF-8.", file);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 64 });
        while (reader.Read())
        {
            if (!reader.ValueIsEscaped)
                continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException exception)
            {
                throw new TokenizerException($"'{file}' holds a string with half a surrogate pair, at byte {reader.TokenStartIndex}.", file, exception);
            }
        }
    }
}
