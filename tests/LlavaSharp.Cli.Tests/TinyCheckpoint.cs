using System.Text.Json;

namespace LlavaSharp.Cli.Tests;

/// <summary>The tiny golden LLaVA and what the original answered with it.</summary>
internal static class TinyCheckpoint
{
    private static readonly string _checkpoints = Path.Combine(FindRoot(), "tests", "Golden", "checkpoints");

    public static string Folder { get; } = Path.Combine(_checkpoints, "llava-v1.5-tiny");

    /// <summary>A tiny LLaVA 1.5 in Hugging Face's layout.</summary>
    public static string HuggingFaceFolder { get; } = Path.Combine(_checkpoints, "..", "llava-hf", "llava15-llama-tf437");

    /// <summary>Flags for an answer that depends on nothing but the weights.</summary>
    public static string[] Flags { get; } = ["--model-path", Folder, "--conv-mode", "vicuna_v1", "--temperature", "0", "--device", "cpu", "--dtype", "float32", "--offline"];

    public static string Picture(string name) => Path.Combine(_checkpoints, "pictures", name + ".png");

    public static JsonElement Case(string id)
    {
        var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_checkpoints, "golden", "llava-v1.5-tiny.json")));
        return golden.RootElement.GetProperty("cases").EnumerateArray().First(row => row.GetProperty("id").GetString() == id);
    }

    public static string Text(this JsonElement element, string key) => element.GetProperty(key).GetString()!;

    public static int[] Integers(this JsonElement element, string key) => [.. element.GetProperty(key).EnumerateArray().Select(value => value.GetInt32())];

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "LlavaSharp.slnx")))
                return folder.FullName;
        throw new InvalidOperationException("LlavaSharp.slnx is above no folder of the tests' output.");
    }
}
