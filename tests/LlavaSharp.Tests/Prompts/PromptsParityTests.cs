using LlavaSharp.Parity;

namespace LlavaSharp.Tests.Prompts;

public class PromptsParityTests
{
    [Fact]
    public void Area_SmallCopyOfTheGoldens_Agrees()
    {
        var output = new StringWriter();
        Assert.True(Program.Run(TestFiles.Golden(), ["prompts"], output) == 0, Failures(output));
        Assert.True(output.ToString().Split('\n').Count(line => line.EndsWith(": ok", StringComparison.Ordinal)) > 650);
    }

    [Theory]
    [InlineData("renders.jsonl", "Assistant:", "Assistent:")]
    [InlineData("conversation_dict.jsonl", "\"sep2\":null", "\"sep2\":\"\"")]
    [InlineData("model_names.json", "\"name\":\"llava\"", "\"name\":\"lava\"")]
    [InlineData("process_image.jsonl", "\"out_size\":[8,8]", "\"out_size\":[8,9]")]
    [InlineData("process_image.jsonl", "\"mode\":\"Pad\"", "\"note_of_mine\":1,\"mode\":\"Pad\"")]
    [InlineData("templates.jsonl", "\"offset\":2", "\"offset\":3")]
    public void Area_ChangedGolden_Fails(string file, string from, string to)
    {
        var root = Directory.CreateTempSubdirectory("parity").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(root, "prompts"));
            // The first rows hold what is changed, and are quick to check.
            var text = string.Join('\n', File.ReadAllText(TestFiles.Golden("prompts", file)).Split('\n').Take(30));
            var changed = text.Replace(from, to, StringComparison.Ordinal);
            Assert.NotEqual(text, changed);
            File.WriteAllText(Path.Combine(root, "prompts", file), changed);
            Assert.NotEqual(0, Program.Run(root, ["prompts"], TextWriter.Null));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public void Area_UnknownFile_Fails()
    {
        var root = Directory.CreateTempSubdirectory("parity").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(root, "prompts"));
            File.WriteAllText(Path.Combine(root, "prompts", "new.jsonl"), "{}\n");
            Assert.Equal(1, Program.Run(root, ["prompts"], TextWriter.Null));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static string Failures(StringWriter output) =>
        string.Join('\n', output.ToString().Split('\n').Where(line => line.Contains("FAILED", StringComparison.Ordinal)).Take(10));
}
