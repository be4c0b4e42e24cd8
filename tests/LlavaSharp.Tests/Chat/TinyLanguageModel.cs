using System.Text;
using System.Text.Json.Nodes;

namespace LlavaSharp.Tests.Chat;

/// <summary>The tiny golden language model with a chat template, as a folder and as a GGUF file; gone at the end of the test.</summary>
internal sealed class TinyLanguageModel : IDisposable
{
    public TinyLanguageModel(string? chatTemplate)
    {
        foreach (var file in Directory.GetFiles(TestFiles.Golden("checkpoints", "vicuna-tiny")))
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        var config = Path.Combine(Folder, "tokenizer_config.json");
        var json = JsonNode.Parse(File.ReadAllBytes(config))!;
        json["chat_template"] = chatTemplate;
        File.WriteAllText(config, json.ToJsonString());
    }

    public static LoadOptions Options { get; } = new() { Device = "cpu", DataType = "float32", Offline = true, Threads = 1 };

    public string Folder { get; } = Directory.CreateTempSubdirectory("llava-chat-template-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Writes the tiny golden GGUF file with more in its header: the id of the token that ends a turn, and a chat template.</summary>
    public string WriteGguf(int endOfTurn, string chatTemplate)
    {
        var bytes = File.ReadAllBytes(TestFiles.Golden("gguf", "text-q8_0.gguf"));
        const int CountAt = 16, ValuesAt = 24, Alignment = 32, TypeInteger = 4, TypeString = 8;
        BitConverter.TryWriteBytes(bytes.AsSpan(CountAt), BitConverter.ToUInt64(bytes, CountAt) + 2);
        byte[] before = [.. Text("tokenizer.ggml.eot_token_id"), .. BitConverter.GetBytes(TypeInteger), .. BitConverter.GetBytes(endOfTurn), .. Text("tokenizer.chat_template"), .. BitConverter.GetBytes(TypeString)];
        // what is put in front moves the tensors by whole steps of their alignment
        var rest = (before.Length + Text(chatTemplate).Length) % Alignment;
        byte[] added = [.. before, .. Text($"{chatTemplate}{{#{new string(' ', (2 * Alignment) - 4 - rest)}#}}")];
        Assert.Equal(0, added.Length % Alignment);
        var path = Path.Combine(Folder, "tiny.gguf");
        File.WriteAllBytes(path, [.. bytes[..ValuesAt], .. added, .. bytes[ValuesAt..]]);
        return path;
    }

    private static byte[] Text(string text) => [.. BitConverter.GetBytes((ulong)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];
}
