using LlavaSharp.Parity;

namespace LlavaSharp.Tests.Parity;

public sealed class ParityProgramTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("parity").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Run_EmptyRoot_IsNoFailure() => Assert.Equal("0 passed, 0 failed", Run(0));

    [Fact]
    public void Run_FoldersThatTheReadmeDoesNotList_AreIgnored()
    {
        Folder("of-mine", "tokenizer", "models");
        Assert.Equal("0 passed, 0 failed", Run(0));
    }

    [Fact]
    public void Run_AreaThatNoCheckKnowsYet_FailsWhereItsFolderExists()
    {
        foreach (var name in ParityAreas.NotBuilt)
        {
            Run(0, name);
            Folder(name);
            Assert.Contains($"{name}: FAILED no check knows this area", Run(1, name));
        }
        Run(ParityAreas.NotBuilt.Count);
        Run(0, "imaging");
    }

    [Fact]
    public void Run_NamedAreaWithoutFolder_IsNoFailure()
    {
        foreach (var area in ParityAreas.All)
            Assert.Equal("0 passed, 0 failed", Run(0, area.Name));
        Run(0, "tokenizer");
    }

    [Fact]
    public void Run_NameThatNobodyKnows_Fails() => Assert.Contains("picures: FAILED no check knows this area", Run(1, "picures"));

    [Fact]
    public void Run_EmptyFolders_AreNoFailure()
    {
        foreach (var area in ParityAreas.All)
            Folder(area.Name);
        Assert.Equal("0 passed, 0 failed", Run(0));
    }

    [Fact]
    public void Run_FileThatNoCheckKnows_Fails()
    {
        foreach (var area in ParityAreas.All)
        {
            Folder(area.Name);
            File.WriteAllText(Path.Combine(_root, area.Name, "surprise.json"), "{}");
            Assert.Contains("surprise.json: FAILED", Run(1, area.Name));
        }
    }

    [Fact]
    public void Run_UnreadableGolden_FailsAndTheOtherAreasAreChecked()
    {
        Folder("generation", "full-size");
        File.WriteAllText(Path.Combine(_root, "generation", "sampling.json"), "{");
        File.WriteAllText(Path.Combine(_root, "full-size", "surprise.json"), "{}");
        Run(2);
    }

    [Fact]
    public void Main_WrongUsage_IsTwo()
    {
        Assert.Equal(2, Program.Main([]));
        Assert.Equal(2, Program.Main([Path.Combine(_root, "nowhere")]));
        Assert.Equal(2, Program.Main([_root, "--model"]));
        Assert.Equal(2, Program.Main(["--models", _root]));
    }

    [Fact]
    public void Main_ModelsFolder_IsAccepted()
    {
        Assert.Equal(0, Program.Main([_root, "--models", _root]));
        Assert.Equal(0, Program.Main(["--models", _root, _root, "imaging"]));
        Assert.Equal(0, Program.Main([_root, $"--models={_root}"]));
        Assert.Equal(Path.GetFullPath(Path.Combine(_root, "..", "models")), new AreaRun(_root, "real-llm", TextWriter.Null).Models);
        Assert.Equal(_root, new AreaRun(_root, "real-llm", TextWriter.Null, _root).Models);
    }

    [Fact]
    public void Run_RealModelWithoutItsWeights_FailsEachCaseWithThatReason()
    {
        Folder("real-llm");
        var models = Path.Combine(_root, "empty");
        Directory.CreateDirectory(models);
        File.WriteAllText(Path.Combine(_root, "real-llm", "inputs.json"), """{"gguf_sha256": "", "gguf_file": "no.gguf", "prompts": [{"name": "one", "text": "a", "input_ids": [1]}], "text_file": "text.txt", "text_ids": []}""");
        File.WriteAllText(Path.Combine(_root, "real-llm", "text.txt"), "a");
        File.WriteAllText(Path.Combine(_root, "real-llm", "peer-x.json"), "{}");
        var output = new StringWriter();

        Assert.Equal(4, Program.Run(_root, ["real-llm"], output, models));

        var lines = output.ToString().TrimEnd().Split('\n');
        Assert.Equal("0 passed, 4 failed", lines[^1]);
        Assert.All(lines[..^1], line => Assert.Contains($"FAILED the weights 'no.gguf' are not in '{models}' (--models DIR", line));
    }

    private void Folder(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            Directory.CreateDirectory(Path.Combine(_root, name));
    }

    private string Run(int expected, params string[] areas)
    {
        var output = new StringWriter();
        Assert.Equal(expected, Program.Run(_root, areas, output));
        return output.ToString().Trim();
    }
}
