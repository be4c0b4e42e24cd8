using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Tokenizers;

/// <summary>The chat template of a checkpoint: a file of its own, a key of <c>tokenizer_config.json</c>, or a value in a GGUF file.</summary>
internal static class ChatTemplateFile
{
    private const string OwnFile = "chat_template.jinja";
    private const string Key = "chat_template";
    private const string DefaultName = "default";

    /// <summary>The template's text, or null when there is none.</summary>
    /// <param name="folder">The folder that holds the tokenizer, or the GGUF file that does.</param>
    /// <exception cref="TokenizerException">A file cannot be read, or is malformed.</exception>
    /// <exception cref="CheckpointException">The GGUF file is malformed.</exception>
    public static string? Find(string folder)
    {
        // a model that was made from a GGUF file keeps what is not a tensor in a file of the same format
        if (File.Exists(Path.Combine(folder, GgufTokenizer.FileName)))
            folder = Path.Combine(folder, GgufTokenizer.FileName);
        if (GgufCheckpoint.Is(folder))
        {
            using var gguf = GgufFile.Open(folder);
            return GgufTokenizer.ChatTemplate(gguf);
        }
        var own = Path.Combine(folder, OwnFile);
        if (File.Exists(own))
        {
            var bytes = JsonReading.ReadFile(own);
            return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw new TokenizerException($"'{own}' is not valid UTF-8.", own);
        }
        var config = Path.Combine(folder, TokenizerSettings.ConfigFile);
        if (!File.Exists(config) || JsonReading.ParseObject(JsonReading.ReadFile(config), config).Get(Key) is not { } value)
            return null;
        // a model for several uses has a list of templates, each with a name
        return value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray().Where(entry => entry.RequiredText("name", config) == DefaultName).Select(entry => entry.RequiredText("template", config)).FirstOrDefault()
            : value.Text($"'{Key}'", config);
    }
}
