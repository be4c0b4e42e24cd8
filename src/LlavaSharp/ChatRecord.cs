using System.Text.Encodings.Web;
using System.Text.Json;
using LlavaSharp.Checkpoints;
using LlavaSharp.IO;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;

namespace LlavaSharp;

/// <summary>A conversation as a sample of LLaVA's instruction data.</summary>
internal static class ChatRecord
{
    private static readonly JsonWriterOptions Format = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the sample and its pictures.</summary>
    /// <exception cref="LlavaException">A file cannot be written.</exception>
    public static void Save(string path, Conversation conversation, IReadOnlyList<Image> images, string imageMarker)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var name = Path.GetFileNameWithoutExtension(path);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var files = images.Select((_, index) => $"{name}-{index + 1}.png").ToArray();
        for (var i = 0; i < files.Length; i++)
        {
            var picture = images[i];
            AtomicFile.Write(Path.Combine(folder, files[i]), stream => stream.Write(picture.EncodePng()));
        }
        AtomicFile.Write(path, stream => stream.Write([.. ToJson(name, conversation, files, imageMarker), .. "\n"u8]));
    }

    private static byte[] ToJson(string id, Conversation conversation, IReadOnlyList<string> images, string imageMarker)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Format))
        {
            json.WriteStartArray();
            json.WriteStartObject();
            json.WriteString("id", id);
            // the format knows one picture; several are a list, as later versions of it have them
            if (images.Count == 1)
                json.WriteString("image", images[0]);
            else if (images.Count > 1)
            {
                json.WriteStartArray("image");
                foreach (var image in images)
                    json.WriteStringValue(image);
                json.WriteEndArray();
            }
            json.WriteStartArray("conversations");
            foreach (var message in conversation.Messages.Skip(conversation.Offset))
            {
                json.WriteStartObject();
                json.WriteString("from", message.Role == conversation.Roles[0] ? "human" : "gpt");
                // start and end tokens belong to the model, not to the data
                json.WriteString("value", (message.Text ?? "").Replace(imageMarker, LlavaConstants.ImageToken, StringComparison.Ordinal));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
        }
        return bytes.ToArray();
    }
}
