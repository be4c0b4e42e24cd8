using System.CommandLine;

namespace LlavaSharp.Cli.Tests;

public sealed class ArgparseCompatibilityTests
{
    private static RootCommand Root()
    {
        var root = new RootCommand("test") { new Option<string>("--log-level") { Recursive = true } };
        root.Subcommands.Add(new Command("worker")
        {
            new Option<string>("--controller-address"),
            new Option<string>("--worker-address"),
            new Option<float>("--temperature"),
            new Option<float>("--top_p"),
            new Option<int>("--top-k"),
            new Option<bool>("--load-8bit"),
            new Option<bool>("--load-4bit"),
            new Option<string[]>("--image-file", "-i") { AllowMultipleArgumentsPerToken = true },
            new Option<string>("--image"),
            new Argument<string[]>("files"),
        });
        var data = new Command("data");
        data.Subcommands.Add(new Command("stats") { new Option<string>("--base-model-path") });
        root.Subcommands.Add(data);
        return root;
    }

    private static string Normalize(params string[] arguments) => string.Join(' ', ArgparseCompatibility.Normalize(Root(), arguments));

    [Theory]
    [InlineData("worker --controller http://x", "worker --controller-address http://x")]
    [InlineData("worker --controller=http://x", "worker --controller-address=http://x")]
    [InlineData("worker --controller_addr a", "worker --controller-address a")]
    [InlineData("worker --top-p 1", "worker --top_p 1")]
    [InlineData("worker --top_p 1", "worker --top_p 1")]
    [InlineData("worker --top_k=5", "worker --top-k=5")]
    [InlineData("worker --temp -1", "worker --temperature -1")]
    [InlineData("worker --load_8", "worker --load-8bit")]
    [InlineData("data stats --base x", "data stats --base-model-path x")]
    [InlineData("worker --log x", "worker --log-level x")]
    [InlineData("--log x worker --temp 1", "--log-level x worker --temperature 1")]
    public void Normalize_BeginningsAndSpellings_BecomeTheDeclaredFlag(string given, string expected) =>
        Assert.Equal(expected, Normalize(given.Split(' ')));

    [Theory]
    [InlineData("worker --image x", "worker --image x")] // an exact name wins over a longer one that begins with it
    [InlineData("worker --image-f x", "worker --image-file x")]
    [InlineData("worker -i a b", "worker -i a b")]
    [InlineData("worker --nonsense", "worker --nonsense")]
    [InlineData("--controller x", "--controller x")] // no such flag before the verb
    public void Normalize_ExactShortAndUnknown_StayAsTheyAre(string given, string expected) =>
        Assert.Equal(expected, Normalize(given.Split(' ')));

    [Theory]
    [InlineData("worker", "--load", "--load-4bit", "--load-8bit")]
    [InlineData("worker", "--to=1", "--top-k", "--top_p")]
    public void Normalize_AmbiguousBeginning_IsAUsageErrorThatNamesThem(string verb, string flag, params string[] names)
    {
        var error = Assert.Throws<UsageException>(() => Normalize(verb, flag));

        Assert.All(names, name => Assert.Contains(name, error.Message));
    }

    [Fact]
    public void Normalize_ValuesThatLookLikeVerbsOrFlags_AreLeftAlone()
    {
        Assert.Equal(["--log-level", "worker", "data", "stats"], ArgparseCompatibility.Normalize(Root(), ["--log", "worker", "data", "stats"]));
        Assert.Equal(["worker", "--worker-address", "--what is this"], ArgparseCompatibility.Normalize(Root(), ["worker", "--worker", "--what is this"]));
        Assert.Equal(["worker", "--temperature", "1", "--", "--temp"], ArgparseCompatibility.Normalize(Root(), ["worker", "--temp", "1", "--", "--temp"]));
    }

    [Fact]
    public void Normalize_RepeatedFlag_KeepsTheLastUnlessItTakesMany()
    {
        Assert.Equal("worker --temperature 2", Normalize("worker", "--temp", "1", "--temperature=1.5", "--temp", "2"));
        Assert.Equal("worker --image-file a --image-file b", Normalize("worker", "--image-f", "a", "--image-f", "b"));
    }

    [Fact]
    public void Normalize_Result_IsWhatTheParserUnderstands()
    {
        var root = Root();
        var parsed = root.Parse(ArgparseCompatibility.Normalize(root, ["worker", "--controller=http://x", "--top-p", "0.5", "--load_8", "--temp", "1", "--temp", "2", "a.png"]));

        Assert.Empty(parsed.Errors);
        Assert.Equal("http://x", parsed.GetValue<string>("--controller-address"));
        Assert.Equal(0.5f, parsed.GetValue<float>("--top_p"));
        Assert.Equal(2f, parsed.GetValue<float>("--temperature"));
        Assert.True(parsed.GetValue<bool>("--load-8bit"));
        Assert.Equal(["a.png"], parsed.GetValue<string[]>("files")!);
    }
}
