using System.CommandLine;
using LlavaSharp.Cli.Commands;

namespace LlavaSharp.Cli.Tests;

public class UpstreamFlagTests
{
    [Theory]
    [InlineData("--upstream-model a", "--upstream-model")]
    [InlineData("--conv-mode v1", "--conv-mode")]
    [InlineData("--model-names a", "--model-names")]
    [InlineData("--upstream-timeout 5", "--upstream-timeout")]
    [InlineData("--upstream http://x --model-path y", "--model-path")]
    [InlineData("--upstream http://x --load-4bit", "--load-4bit")]
    [InlineData("--upstream http://x --device cpu", "--device")]
    [InlineData("--upstream http://x --upstream-timeout 0", "--upstream-timeout")]
    [InlineData("--upstream http://x --model-names a,,b", "--model-names")]
    [InlineData("--upstream http://x --model-names a --model-name b", "--model-name")]
    public async Task Worker_FlagsThatDoNotGoTogether_AreWrongUsage(string line, string named)
    {
        using var error = new StringWriter();
        var root = new RootCommand();
        root.Subcommands.Add(WorkerCommand.Create());
        var code = await CommandRunner.RunAsync(root, ["worker", .. line.Split(' ')], error, TestContext.Current.CancellationToken);
        Assert.Equal(CommandRunner.WrongUsage, code);
        Assert.Contains(named, error.ToString());
    }

    [Theory]
    [InlineData("--heart-beat-expiry 0")]
    [InlineData("--heart-beat-expiry NaN")]
    [InlineData("--worker-timeout -1")]
    [InlineData("--worker-timeout 100000")]
    public async Task Controller_TimesThatAreNone_AreWrongUsage(string line)
    {
        using var error = new StringWriter();
        var root = new RootCommand();
        root.Subcommands.Add(ControllerCommand.Create());
        Assert.Equal(CommandRunner.WrongUsage, await CommandRunner.RunAsync(root, ["controller", .. line.Split(' ')], error, TestContext.Current.CancellationToken));
        Assert.Contains(line.Split(' ')[0], error.ToString());
    }
}
