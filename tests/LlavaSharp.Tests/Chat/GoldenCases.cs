using System.Text.Json;
using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Chat;

/// <summary>Recorded questions and greedy answers of the original for a tiny checkpoint.</summary>
internal static class GoldenCases
{
    /// <summary>The questions, as this model writes them, and the ids that the original answered.</summary>
    /// <param name="name">The checkpoint's name among the goldens.</param>
    /// <param name="model">The model that is to be asked.</param>
    public static List<(GenerationRequest Request, int[] Ids)> Read(string name, LlavaModel model)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("checkpoints", "golden", name + ".json")));
        return
        [
            .. from row in document.RootElement.GetProperty("cases").EnumerateArray()
               let pictures = row.GetProperty("pictures").EnumerateArray().Select(picture => TinyModel.Picture(picture.GetString()!)).ToList()
               select (
                   new GenerationRequest
                   {
                       Prompt = model.CreatePrompt(row.GetProperty("question").GetString()!, pictures.Count, row.GetProperty("template").GetString()),
                       Images = pictures,
                       Options = TinyModel.Greedy,
                   },
                   row.GetProperty("greedy_ids").EnumerateArray().Select(id => id.GetInt32()).ToArray()),
        ];
    }
}
