using System.CommandLine;
using LlavaSharp.Cli.Commands;

namespace LlavaSharp.Cli.Tests;

public sealed class FlagTests
{
    /// <summary>The original's flags and defaults; where the original requires a flag that is not required here, or has another default, the reason stands beside it.</summary>
    [Theory]
    [InlineData("run", "--model-path", "")]     // the embedded model, not facebook/opt-350m
    [InlineData("run", "--model-base", "")]
    [InlineData("run", "--image-file", "")]     // without a picture: text only
    [InlineData("run", "--conv-mode", "")]
    [InlineData("run", "--sep", ",")]
    [InlineData("run", "--temperature", "0.2")]
    [InlineData("run", "--top_p", "")]
    [InlineData("run", "--num_beams", "1")]
    [InlineData("run", "--max_new_tokens", "512")]
    [InlineData("run", "--device", "auto")]
    [InlineData("run", "--dtype", "auto")]
    [InlineData("run", "--threads", "")]
    [InlineData("run", "--seed", "")]
    [InlineData("run", "--offline", "False")]
    [InlineData("run", "--original-quirks", "False")]
    [InlineData("run", "--json", "False")]
    [InlineData("chat", "--model-path", "")]
    [InlineData("chat", "--model-base", "")]
    [InlineData("chat", "--image-file", "")]
    [InlineData("chat", "--device", "auto")]    // not cuda: what is there
    [InlineData("chat", "--conv-mode", "")]
    [InlineData("chat", "--temperature", "0.2")]
    [InlineData("chat", "--max-new-tokens", "512")]
    [InlineData("chat", "--load-8bit", "False")]
    [InlineData("chat", "--load-4bit", "False")]
    [InlineData("chat", "--quant-type", "")]   // fast on a CPU, nf4 on a GPU
    [InlineData("chat", "--prompt-lookup", "auto")]
    [InlineData("chat", "--debug", "False")]
    public void Flag_NotGiven_HasItsDefault(string verb, string flag, string expected)
    {
        var command = verb == "run" ? RunCommand.Create() : ChatCommand.Create();
        var option = Assert.Single(command.Options, option => option.Name == flag);

        Assert.Equal(expected, option.HasDefaultValue ? Convert.ToString(option.GetDefaultValue(), System.Globalization.CultureInfo.InvariantCulture) : option.ValueType == typeof(bool) ? "False" : "");
        Assert.False(option.Required);
    }

    /// <summary>The original's flags of its web server, and their defaults.</summary>
    [Theory]
    [InlineData("--host", "localhost")]   // not 0.0.0.0: nobody else is let in unless it is said
    [InlineData("--port", "")]
    [InlineData("--controller-url", "http://localhost:21001")]
    [InlineData("--concurrency-count", "16")]
    [InlineData("--model-list-mode", "once")]
    [InlineData("--share", "False")]
    [InlineData("--moderate", "False")]
    [InlineData("--embed", "False")]
    public void Flag_OfWeb_HasItsDefault(string flag, string expected)
    {
        var option = Assert.Single(WebCommand.Create().Options, option => option.Name == flag);
        Assert.Equal(expected, option.HasDefaultValue ? Convert.ToString(option.GetDefaultValue(), System.Globalization.CultureInfo.InvariantCulture) : option.ValueType == typeof(bool) ? "False" : "");
    }

    [Theory]
    [InlineData("--share", "left out")]
    [InlineData("--port 70000", "70000 is no port")]
    [InlineData("--model-list-mode often", "'often' is no mode")]
    [InlineData("--controller-url nowhere", "'nowhere' is no address")]
    public async Task Web_WrongFlags_AreRefused(string line, string why)
    {
        var root = new RootCommand { WebCommand.Create() };
        using var error = new StringWriter();
        Assert.NotEqual(0, await CommandRunner.RunAsync(root, ["web", .. line.Split(' ')], error, TestContext.Current.CancellationToken));
        Assert.Contains(why, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Query_OfRun_IsRequired() => Assert.True(Assert.Single(RunCommand.Create().Options, option => option.Name == "--query").Required);

    [Theory]
    [InlineData("", null)]
    [InlineData("--prompt-lookup auto", null)]
    [InlineData("--prompt_lookup on", true)]
    [InlineData("--prompt-lookup off", false)]
    public void PromptLookup_OfModelFlags_IsWhatTheLibraryTakes(string line, bool? expected)
    {
        var root = new RootCommand();
        var flags = new ModelFlags(root);
        var parsed = root.Parse(ArgparseCompatibility.Normalize(root, line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

        Assert.Equal(expected, flags.LoadOptions(parsed, TextWriter.Null).PromptLookup);
    }

    [Theory]
    [InlineData("", "auto")]
    [InlineData("--device cuda:0,cuda:1", "cuda:0,cuda:1")]
    [InlineData("--num-gpus 1", "auto")]
    [InlineData("--num-gpus 1 --device mps", "mps")]
    [InlineData("--num_gpus 2", "cuda:0,cuda:1")]
    [InlineData("--num-gpus 3 --device cuda", "cuda:0,cuda:1,cuda:2")]
    public void Device_OfModelFlags_IsWhatTheLibraryTakes(string line, string expected)
    {
        var root = new RootCommand();
        var flags = new ModelFlags(root);
        var parsed = root.Parse(ArgparseCompatibility.Normalize(root, line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

        Assert.Empty(parsed.Errors);
        Assert.Equal(expected, flags.LoadOptions(parsed, TextWriter.Null).Device);
    }

    [Theory]
    [InlineData("--num-gpus 0", "--num-gpus is 0")]
    [InlineData("--num-gpus 2 --device cpu", "'cpu'")]
    [InlineData("--num-gpus 2 --device cuda:1", "'cuda:1'")]
    public void NumGpus_ThatMakesNoSense_IsWrongUsage(string line, string named)
    {
        var root = new RootCommand();
        var flags = new ModelFlags(root);

        Assert.Contains(named, Assert.Throws<UsageException>(() => flags.LoadOptions(root.Parse(line.Split(' ')), TextWriter.Null)).Message);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("chat")]
    [InlineData("worker")]
    [InlineData("serve")]
    public void Verbs_WithAModel_TakeSeveralDevices(string verb)
    {
        var command = new Command[] { RunCommand.Create(), ChatCommand.Create(), WorkerCommand.Create(), ServeCommand.Create() }.Single(command => command.Name == verb);

        Assert.Contains(command.Options, option => option.Name == "--device");
        Assert.Contains(command.Options, option => option.Name == "--num-gpus");
    }

    [Fact]
    public void Lora_GivenOften_IsEachOfThem()
    {
        var root = new RootCommand();
        var flags = new AdapterFlags(root);
        var parsed = root.Parse(ArgparseCompatibility.Normalize(root, ["--lora", "charts=./a", "--lora=maps=hub/b=c"]));

        Assert.Empty(parsed.Errors);
        Assert.Equal([new("charts", "./a"), new("maps", "hub/b=c")], flags.Read(parsed));
        Assert.Empty(flags.Read(root.Parse([])));
    }

    [Theory]
    [InlineData("charts")]
    [InlineData("=./a")]
    [InlineData("charts=")]
    [InlineData(" =./a")]
    public void Lora_WithoutNameOrPath_IsWrongUsage(string value)
    {
        var root = new RootCommand();
        var flags = new AdapterFlags(root);

        Assert.Contains($"'{value}'", Assert.Throws<UsageException>(() => flags.Read(root.Parse(["--lora", value]))).Message);
    }

    [Theory]
    [InlineData("worker")]
    [InlineData("serve")]
    public void Verbs_ThatServe_TakeAdapters(string verb) =>
        Assert.Contains((verb == "worker" ? WorkerCommand.Create() : ServeCommand.Create()).Options, option => option.Name == "--lora");

    [Fact]
    public void PromptLookup_OtherWord_IsWrongUsage()
    {
        var root = new RootCommand();
        var flags = new ModelFlags(root);

        Assert.Contains("'maybe'", Assert.Throws<UsageException>(() => flags.LoadOptions(root.Parse(["--prompt-lookup", "maybe"]), TextWriter.Null)).Message);
    }

    [Theory]
    [InlineData("run -q x --max-new-tokens 5")]
    [InlineData("run --query=x --max_new_t 5 --top-p 0.5 --num-beams 2 --image a.png")]
    [InlineData("chat --max_new_tokens 5 --temp 0 --image_file a.png --load-8")]
    public void Parse_SpellingsOfTheOriginal_AreAccepted(string line)
    {
        var root = new RootCommand { RunCommand.Create(), ChatCommand.Create() };

        Assert.Empty(root.Parse(ArgparseCompatibility.Normalize(root, line.Split(' '))).Errors);
    }
}
