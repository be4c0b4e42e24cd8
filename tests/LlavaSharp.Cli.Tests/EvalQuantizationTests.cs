using System.Globalization;
using System.Text.Json;

namespace LlavaSharp.Cli.Tests;

public sealed class EvalQuantizationTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llava-quality-test-");

    [Fact]
    public async Task EvalQuantization_EmbeddedModelOnItsWorld_PrintsALineForEachForm()
    {
        var outcome = await Run("--data_path", "synth:seed=9", "--count", "3");

        Assert.Equal(0, outcome.ExitCode);
        var lines = outcome.Output.Split('\n');
        Assert.StartsWith("form", lines[0]);
        Assert.StartsWith("float32", lines[1]);
        Assert.StartsWith("8 bits", lines[2]);
        Assert.StartsWith("4 bits", lines[3]);
        Assert.DoesNotContain("-+", outcome.Output);   // a change that rounds to zero has one sign
        Assert.EndsWith("positions; KL in nats", lines[4]);
        var reference = double.Parse(lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        Assert.InRange(reference, 1, 1.5);   // it knows this world
    }

    [Fact]
    public async Task EvalQuantization_Json_HoldsEveryLayer()
    {
        var text = Path.Combine(_folder.FullName, "text.txt");
        await File.WriteAllTextAsync(text, "There is a big red circle at the top left.", TestContext.Current.CancellationToken);

        var outcome = await Run("--text", text, "--load-4bit", "--json");

        Assert.Equal(0, outcome.ExitCode);
        using var json = JsonDocument.Parse(outcome.Output);
        var form = Assert.Single(json.RootElement.GetProperty("forms").EnumerateArray());
        Assert.Equal("4 bits", form.Text("form"));
        Assert.InRange(form.GetProperty("kl_nats").GetDouble(), 1e-6, 1);
        Assert.Equal(4 * 7 + 1, form.GetProperty("layers").GetArrayLength());   // a text reaches neither tower nor projector
    }

    [Fact]
    public async Task EvalQuantization_NothingToRead_IsWrongUsage()
    {
        var outcome = await Run("--load-4bit");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("--text", outcome.Error);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private Task<LlavaProcess.Outcome> Run(params string[] flags) => LlavaProcess.RunAsync(["eval", "quantization", .. flags], ("LLAVA_CACHE", _folder.FullName));
}
