using System.Text.Json;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Chat;

/// <summary>The tiny golden LLaVA, loaded once for all tests, and what the original answered with it.</summary>
internal static class TinyModel
{
    private static readonly Lazy<LlavaModel> _shared = new(() => LlavaModel.Load(Folder, options: Options));

    public static string Folder { get; } = TestFiles.Golden("checkpoints", "llava-v1.5-tiny");

    public static LoadOptions Options { get; } = new() { Device = "cpu", DataType = "float32", Offline = true, Threads = 1 };

    public static LlavaModel Shared => _shared.Value;

    /// <summary>Always the most probable token, as many as the original's goldens have.</summary>
    public static GenerationOptions Greedy { get; } = new() { Temperature = 0, MaxNewTokens = 24 };

    public static string PictureFile(string name) => TestFiles.Golden("checkpoints", "pictures", name + ".png");

    public static Image Picture(string name) => Image.Load(PictureFile(name));

    /// <summary>A recorded case by its name.</summary>
    public static GoldenCase Case(string id)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("checkpoints", "golden", "llava-v1.5-tiny.json")));
        var row = document.RootElement.GetProperty("cases").EnumerateArray().First(row => row.GetProperty("id").GetString() == id);
        return new(
            row.GetProperty("template").GetString()!,
            [.. row.GetProperty("pictures").EnumerateArray().Select(name => name.GetString()!)],
            row.GetProperty("question").GetString()!,
            row.GetProperty("prompt").GetString()!,
            Integers(row, "input_ids"),
            row.GetProperty("sequence_length").GetInt32(),
            Integers(row, "greedy_ids"),
            row.GetProperty("greedy_text").GetString()!.Trim());
    }

    private static int[] Integers(JsonElement row, string key) => [.. row.GetProperty(key).EnumerateArray().Select(id => id.GetInt32())];

    public sealed record GoldenCase(
        string Template, string[] PictureNames, string Question, string Prompt, int[] InputIds, int SequenceLength, int[] GreedyIds, string GreedyText)
    {
        public IReadOnlyList<Image> Pictures => [.. PictureNames.Select(Picture)];
    }
}
