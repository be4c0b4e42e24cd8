using System.Text.Json;

namespace LlavaSharp.Cli.Tests;

public sealed class BenchCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llava-bench-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Bench_SmallShape_PrintsOneObjectWithMachineAndResults()
    {
        var outcome = await LlavaProcess.RunAsync(["bench", "--shape", "tiny", "--layers", "1", "--rounds", "1", "--threads", "1", "--json"], ("LLAVA_CACHE", _folder.FullName));

        Assert.Equal(0, outcome.ExitCode);
        var report = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(("tiny", 1, 1), (report.GetProperty("shape").GetString(), report.GetProperty("layers").GetInt32(), report.GetProperty("machine").GetProperty("threads").GetInt32()));
        var results = report.GetProperty("results").EnumerateArray().ToDictionary(result => result.GetProperty("name").GetString()!, result => result.GetProperty("value").GetDouble());
        Assert.All(new[] { "image_encode", "prefill", "decode_batch1", "decode_batch8", "first_token", "answer", "memory" }, name => Assert.Contains($"{name}_4bit", results.Keys));
        Assert.All(results.Values, value => Assert.True(value > 0));
        Assert.Equal(JsonValueKind.Object, report.GetProperty("worst").ValueKind);   // some goals need no peer
        Assert.Contains("round 1 of 1", outcome.Error);
    }

    [Fact]
    public async Task Bench_UnknownShape_ListsTheKnown()
    {
        var outcome = await LlavaProcess.RunAsync(["bench", "--shape", "7c"]);
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains("'7b'", Assert.Single(outcome.Error.TrimEnd('\n').Split('\n')));
    }

    [Theory]
    [InlineData("--rounds")]
    [InlineData("--layers")]
    [InlineData("--threads")]
    public async Task Bench_LessThanOne_IsWrongUsage(string flag)
    {
        var outcome = await LlavaProcess.RunAsync(["bench", flag, "0"]);
        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains(flag, outcome.Error);
    }

    [Fact]
    public async Task Bench_PeerWithoutNode_SaysWhatToInstall()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Links are made as on Linux.");
        // a path on which nothing is but .NET
        var dotnet = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(folder => Path.Combine(folder, "dotnet")).First(File.Exists);
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "dotnet"), new FileInfo(dotnet).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? dotnet);

        var outcome = await LlavaProcess.RunAsync(["bench", "--shape", "tiny", "--rounds", "1", "--peer"], ("PATH", _folder.FullName), ("LLAVA_CACHE", Path.Combine(_folder.FullName, "cache")));

        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains("'node' cannot be started", outcome.Error);
        Assert.Contains("https://nodejs.org", outcome.Error);
        Assert.False(Directory.Exists(Path.Combine(_folder.FullName, "cache", "peer")));
    }
}
