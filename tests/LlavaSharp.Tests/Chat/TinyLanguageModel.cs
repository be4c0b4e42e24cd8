using System.Text;
using System.Text.Json.Nodes;

namespace LlavaSharp.Tests.Chat;

/// <summary>The tiny golden language model with a chat template, as a folder and as a GGUF file; gone at the end of the test.</summary>
internal sealed class TinyLanguageModel : IDisposable
{
    public TinyLanguageModel(string? chatTemplate)
    {
        foreach (var file in Directory.GetFiles(TestFiles.Golden("checkpoints", "vicuna-tiny")).Concat(Directory.GetFiles(TestFiles.Golden("tokenizer"))))
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        var config = Path.Combine(Folder, "tokenizer_config.json");
        var json = JsonNode.Parse(File.ReadAllBytes(config))!;
        json["chat_template"] = chatTemplate;
        File.WriteAllText(config, json.ToJsonString());
    }

    public static LoadOptions Options { get; } = new() { Device = "cpu", DataType = "float32", Offline = true, Threads = 1 };

    public string Folder { get; } = Directory.CreateTempSubdirectory("llava-chat-template-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Writes the tiny golden GGUF file with a chat template in its header.</summary>
    public string WriteGguf(string chatTemplate)
    {
        var bytes = File.ReadAllBytes(TestFiles.Golden("gguf", "text-q8_0.gguf"));
        const int CountAt = 16, ValuesAt = 24, Alignment = 32, TypeString = 8;
        BitConverter.TryWriteBytes(bytes.AsSpan(CountAt), BitConverter.ToUInt64(bytes, CountAt) + 1);
        var name = "tokenizer.chat_template"u8.ToArray();
        // what is put in front moves the tensors by whole steps of their alignment
        var text = Encoding.UTF8.GetBytes(chatTemplate);
        var length = 8 + name.Length + 4 + 8 + text.Length;
        text = [.. text, .. Encoding.UTF8.GetBytes("{#" + new string(' ', (2 * Alignment) - 4 - (length % Alignment)) + "#}")];
        byte[] value = [.. BitConverter.GetBytes((ulong)name.Length), .. name, .. BitConverter.GetBytes(TypeString), .. BitConverter.GetBytes((ulong)text.Length), .. text];
        Assert.Equal(0, value.Length % Alignment);
        var path = Path.Combine(Folder, "tiny.gguf");
        File.WriteAllBytes(path, [.. bytes[..ValuesAt], .. value, .. bytes[ValuesAt..]]);
        return path;
    }
}
