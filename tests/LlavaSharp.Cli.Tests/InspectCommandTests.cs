using System.Text.Json;

namespace LlavaSharp.Cli.Tests;

public sealed class InspectCommandTests
{
    private static string Gguf { get; } = Path.Combine(TinyCheckpoint.Folder, "..", "..", "gguf", "text-q8_0.gguf");

    [Fact]
    public async Task Inspect_Json_DescribesTheCheckpoint()
    {
        var outcome = await LlavaProcess.RunAsync(["inspect", "--model-path", TinyCheckpoint.Folder, "--json"]);

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        var report = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(
            ("llava-v1.5-tiny", "full", "llama", "v1.5", "llava_v1"),
            (report.Text("model"), report.Text("kind"), report.Text("family"), report.Text("version"), report.Text("template")));
        Assert.Equal("clip-vit-tiny-patch14-56", report.Text("vision_tower"));
        Assert.True(report.GetProperty("is_sound").GetBoolean());
        // two layers of 64 by 1,024 words: four attention matrices, three of the MLP, two norms each; embeddings, output, last norm
        Assert.Equal(
            (2 * ((4 * 64 * 64) + (3 * 64 * 176) + (2 * 64))) + (2 * 1024 * 64) + 64,
            report.GetProperty("parameters").GetProperty("language_model").GetInt64());
        Assert.Equal((32 * 64) + 64 + (64 * 64) + 64, report.GetProperty("parameters").GetProperty("projector").GetInt64());
        Assert.True(report.GetProperty("outside_tower_parameters").GetInt64() > 0);
        Assert.Equal(4 * report.GetProperty("total_parameters").GetInt64(), report.GetProperty("memory").GetProperty("float32").GetInt64());
    }

    [Fact]
    public async Task Inspect_HuggingFaceLayout_IsSoundWithTheTowerInside()
    {
        var outcome = await LlavaProcess.RunAsync(["inspect", "--model-path", TinyCheckpoint.HuggingFaceFolder, "--json"]);

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        var report = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(("full", "llama", "v1.5", "llava_v1"), (report.Text("kind"), report.Text("family"), report.Text("version"), report.Text("template")));
        Assert.True(report.GetProperty("is_sound").GetBoolean() && report.GetProperty("uses_tower_inside").GetBoolean());
        Assert.Equal(0, report.GetProperty("outside_tower_parameters").GetInt64());
    }

    [Fact]
    public async Task Inspect_Text_HasNoEscapeCodes()
    {
        var outcome = await LlavaProcess.RunAsync(["inspect", TinyCheckpoint.Folder]);

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("llava_v1", outcome.Output);
        Assert.Contains("projector", outcome.Output);
        Assert.DoesNotContain('\u001b', outcome.Output);
    }

    [Fact]
    public async Task Inspect_GgufJson_DescribesTheFile()
    {
        var outcome = await LlavaProcess.RunAsync(["inspect", Gguf, "--json"]);

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        var report = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(("text-q8_0.gguf", "language_model_only", "llama"), (report.Text("model"), report.Text("kind"), report.Text("family")));
        Assert.True(report.GetProperty("is_sound").GetBoolean());
        Assert.False(report.GetProperty("has_chat_template").GetBoolean());
        var gguf = report.GetProperty("gguf");
        Assert.Equal(("llama", "llama"), (gguf.Text("architecture"), gguf.Text("tokenizer")));
        Assert.Equal(64, gguf.GetProperty("dimensions").GetProperty("embedding_length").GetInt32());
        var types = gguf.GetProperty("tensor_types");
        Assert.Equal(
            report.GetProperty("total_parameters").GetInt64(),
            types.EnumerateObject().Sum(type => type.Value.GetProperty("parameters").GetInt64()));
        Assert.True(types.GetProperty("Q8_0").GetProperty("tensors").GetInt32() > 0);
    }

    [Fact]
    public async Task Inspect_GgufText_ShowsSizesTypesAndTokenizer()
    {
        var outcome = await LlavaProcess.RunAsync(["inspect", Gguf]);

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        foreach (var part in (string[])["architecture", "embedding_length", "Q8_0", "tokenizer", "Chat template", "complete: nothing missing"])
            Assert.Contains(part, outcome.Output);
    }

    [Fact]
    public async Task Inspect_ConfigThatAsksForMore_ListsWhatIsMissing()
    {
        var folder = Directory.CreateTempSubdirectory("llava-inspect-test-").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(TinyCheckpoint.Folder))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            var config = Path.Combine(folder, "config.json");
            File.WriteAllText(config, File.ReadAllText(config).Replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"));

            var outcome = await LlavaProcess.RunAsync(["inspect", "--model-path", folder, "--json"]);

            Assert.Equal(1, outcome.ExitCode);
            Assert.Contains("9 tensors are missing", outcome.Error);
            var missing = JsonDocument.Parse(outcome.Output).RootElement.GetProperty("missing").EnumerateArray().Select(tensor => tensor.Text("name")).ToList();
            Assert.Equal(9, missing.Count);
            Assert.Contains("model.layers.2.self_attn.q_proj.weight", missing);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(1, "/no/such/model", "inspect", "--model-path", "/no/such/model", "--offline")]
    [InlineData(2, "given twice", "inspect", "a", "--model-path", "b")]
    public async Task Inspect_Wrong_IsOneLineAndItsCode(int code, string named, params string[] arguments)
    {
        var outcome = await LlavaProcess.RunAsync(arguments);

        Assert.Equal((code, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains(named, Assert.Single(outcome.Error.TrimEnd().Split('\n')));
    }
}
