using System.CommandLine;

namespace LlavaSharp.Cli.Tests;

public sealed class CommandRunnerTests
{
    private static async Task<(int Code, string Error)> RunAsync(Func<CancellationToken, int> action, params string[] arguments)
    {
        var command = new Command("go") { new Option<int>("--count") };
        command.SetAction((_, token) => Task.FromResult(action(token)));
        var root = new RootCommand("test") { command };
        var error = new StringWriter();
        var code = await CommandRunner.RunAsync(root, ["go", .. arguments], error, TestContext.Current.CancellationToken);
        return (code, error.ToString());
    }

    [Fact]
    public async Task Run_Done_IsTheActionsCode() => Assert.Equal((0, ""), await RunAsync(_ => 0));

    [Fact]
    public async Task Run_LlavaException_IsOneLineAndOne()
    {
        var (code, error) = await RunAsync(_ => throw new LlavaException("The file x is broken.\nDo this."));

        Assert.Equal(1, code);
        Assert.Equal("llava: The file x is broken. Do this." + Environment.NewLine, error);
    }

    [Fact]
    public async Task Run_UnforeseenException_IsOneLineWithItsType()
    {
        var (code, error) = await RunAsync(_ => throw new InvalidOperationException("odd"));

        Assert.Equal(1, code);
        Assert.StartsWith("llava: odd (InvalidOperationException;", error);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Run_Cancelled_Is130() => Assert.Equal((130, ""), await RunAsync(_ => throw new OperationCanceledException()));

    [Theory]
    [InlineData("--count", "many")]
    [InlineData("--what")]
    public async Task Run_WrongUsage_IsTwo(params string[] arguments)
    {
        var (code, error) = await RunAsync(_ => 0, arguments);

        Assert.Equal(2, code);
        Assert.Contains("llava go --help", error);
    }

    [Theory]
    [InlineData("llava data synth: --count is 'many': give a whole number.", "data", "synth", "--count", "many")]
    [InlineData("llava data synth: --seed is '-1': give a whole number of 0 or more.", "data", "synth", "--seed", "-1")]
    [InlineData("llava data synth: --share is 'half': give a number.", "data", "synth", "--share", "half")]
    [InlineData("llava data synth: --day is 'Noday': give one of Sunday, Monday,", "data", "synth", "--day", "Noday")]
    [InlineData("llava data: Unknown verb 'snyth'. Did you mean 'synth'?", "data", "snyth")]
    [InlineData("llava: Unknown verb 'dta'. Did you mean 'data'?", "dta")]
    [InlineData("llava data synth: Unknown flag '--cuont'. Did you mean '--count'?", "data", "synth", "--cuont=3")]
    [InlineData("llava data synth: 'three' is not understood", "data", "synth", "three")]
    public async Task Run_WrongUsage_IsOneLineThatNamesTheVerb(string expected, params string[] arguments)
    {
        var (code, error) = await RunDataAsync(arguments);

        Assert.Equal(2, code);
        Assert.StartsWith(expected, error);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("synth-tokenizer", "data")]
    [InlineData("data", new string[0])]
    public async Task Run_VerbWithoutTheNext_ShowsWhatCanFollowAndIsTwo(string expected, params string[] arguments)
    {
        var (code, error) = await RunDataAsync(arguments);

        Assert.Equal(2, code);
        Assert.Contains("Usage:", error);
        Assert.Contains(expected, error);
    }

    private static async Task<(int Code, string Error)> RunDataAsync(string[] arguments)
    {
        var synth = new Command("synth") { new Option<int>("--count"), new Option<ulong?>("--seed"), new Option<double>("--share"), new Option<DayOfWeek>("--day") };
        synth.SetAction(_ => 0);
        var root = new RootCommand("test") { new Command("data") { synth, new Command("synth-tokenizer") } };
        var error = new StringWriter();
        return (await CommandRunner.RunAsync(root, arguments, error, TestContext.Current.CancellationToken), error.ToString());
    }
}
