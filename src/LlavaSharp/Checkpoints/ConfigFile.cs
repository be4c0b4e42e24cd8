using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Checkpoints;

/// <summary>Reads JSON files of a checkpoint strictly, with errors that name the file.</summary>
internal static class ConfigFile
{
    private const long MaxBytes = 64 << 20;

    /// <summary>Reads a file that holds one JSON object.</summary>
    /// <exception cref="CheckpointException">The file is missing, too large, or holds no JSON object.</exception>
    public static JsonObject Read(string path)
    {
        byte[] bytes;
        try
        {
            var length = new FileInfo(path).Length;
            if (length > MaxBytes)
                throw new CheckpointException($"'{path}' has {length} bytes; a JSON file of a checkpoint may have {MaxBytes}.", path);
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new CheckpointException($"'{path}' cannot be read: {exception.Message}", path, innerException: exception);
        }
        return Parse(bytes, path);
    }

    /// <summary>Parses one JSON object; <paramref name="path"/> is for messages.</summary>
    /// <exception cref="CheckpointException">The bytes are no JSON object.</exception>
    public static JsonObject Parse(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            bytes = bytes[3..];
        if (bytes.IsEmpty)
            throw new CheckpointException($"'{path}' is empty. Fetch it again: a download was probably cut off.", path);
        try
        {
            var node = JsonNode.Parse(bytes, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
            Visit(node);
            return node as JsonObject ?? throw new CheckpointException($"'{path}' does not hold a JSON object.", path);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new CheckpointException($"'{path}' is not valid JSON: {exception.Message}{TensorFile.GuessFrom(bytes)}", path, innerException: exception);
        }
    }

    /// <summary>Reads every name and text once: nodes are made late, so malformed characters would otherwise surface anywhere.</summary>
    private static void Visit(JsonNode? node)
    {
        if (node is JsonObject inner)
            foreach (var (_, value) in inner)
                Visit(value);
        else if (node is JsonArray array)
            foreach (var value in array)
                Visit(value);
        else if (node?.GetValueKind() == JsonValueKind.String)
            node.GetValue<string>();
    }
}
