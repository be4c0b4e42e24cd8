namespace LlavaSharp.Cli.Tests;

public sealed class QuantizeTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llava-quantize-test-");

    [Fact]
    public async Task Quantize_ThenRun_AnswersFromTheFolder()
    {
        var packed = Path.Combine(_folder.FullName, "packed");

        var quantized = await LlavaProcess.RunAsync(["quantize", "--bits", "8", "--output", packed]);
        var answer = await LlavaProcess.RunAsync(["run", "--model-path", packed, "--query", "x", "--temperature", "0", "--max_new_tokens", "4"]);

        Assert.Equal((0, ""), (quantized.ExitCode, quantized.Error));
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains("\"quant_method\": \"llavasharp\"", File.ReadAllText(Path.Combine(packed, "config.json")));
    }

    [Fact]
    public async Task LoadIn4Bit_Twice_QuantisesOnceAndSaysSo()
    {
        string[] question = ["run", "--query", "x", "--temperature", "0", "--max_new_tokens", "4", "--load-4bit"];

        var first = await LlavaProcess.RunAsync(question, ("LLAVA_CACHE", _folder.FullName));
        var second = await LlavaProcess.RunAsync(question, ("LLAVA_CACHE", _folder.FullName));

        Assert.Contains("Quantising", first.Error);
        Assert.DoesNotContain("Quantising", second.Error);
        Assert.Contains("made earlier", second.Error);
        Assert.Equal((0, first.Output), (second.ExitCode, second.Output));
        Assert.Single(Directory.EnumerateDirectories(Path.Combine(_folder.FullName, "quantized")));
    }

    [Fact]
    public async Task LoadIn8Bit_OfA4BitFolder_SaysWhatToDo()
    {
        var packed = Path.Combine(_folder.FullName, "packed");
        await LlavaProcess.RunAsync(["quantize", "--output", packed]);

        var outcome = await LlavaProcess.RunAsync(["run", "--model-path", packed, "--query", "x", "--load-8bit"]);

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("4-bit weights; 8 bits were asked for", outcome.Error);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
