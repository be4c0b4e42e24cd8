using LlavaSharp.Parity;

namespace LlavaSharp.Tests.Generation;

public class GenerationParityTests
{
    [Fact]
    public void Area_SmallCopyOfTheGoldens_Agrees()
    {
        var output = new StringWriter();
        Assert.True(Program.Run(TestFiles.Golden(), ["generation"], output) == 0, output.ToString());
        Assert.True(output.ToString().Split('\n').Count(line => line.EndsWith(": ok", StringComparison.Ordinal)) >= 24);
    }

    [Theory]
    [InlineData("\"kept\": [", "\"kept\": [0, ")]
    [InlineData("\"top_k\": 5,", "\"top_k\": 4,")]
    [InlineData("\"top_p\": 0.7,", "\"top_p\": 0.7, \"of_mine\": 1,")]
    public void Area_ChangedGolden_Fails(string from, string to)
    {
        var root = Directory.CreateTempSubdirectory("parity").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(root, "generation"));
            var text = File.ReadAllText(TestFiles.Golden("generation", "sampling.json"));
            var changed = text.Replace(from, to, StringComparison.Ordinal);
            Assert.NotEqual(text, changed);
            File.WriteAllText(Path.Combine(root, "generation", "sampling.json"), changed);
            Assert.NotEqual(0, Program.Run(root, ["generation"], TextWriter.Null));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
