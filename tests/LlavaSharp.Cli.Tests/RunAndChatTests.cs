using System.Text.Json;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using Microsoft.Extensions.AI;

namespace LlavaSharp.Cli.Tests;

public sealed class RunAndChatTests
{
    private static string Warning { get; } = "[WARNING] the auto inferred conversation mode is llava_v1, while `--conv-mode` is vicuna_v1, using vicuna_v1" + Environment.NewLine;

    [Fact]
    public async Task SamePictureAndQuestion_AllFourWays_GiveTheSameIds()
    {
        var golden = TinyCheckpoint.Case("one");
        var (question, picture, ids) = (golden.Text("question"), TinyCheckpoint.Picture("wide"), golden.Integers("greedy_ids"));
        var text = golden.Text("greedy_text").Trim();

        var run = LlavaProcess.RunAsync(["run", .. TinyCheckpoint.Flags, "--image-file", picture, "--query", question, "--max_new_tokens", "24", "--json"]);
        var chat = LlavaProcess.RunAsync(["chat", .. TinyCheckpoint.Flags, "--image-file", picture, "--max-new-tokens", "24"], question + "\n");
        using var model = LlavaModel.Load(TinyCheckpoint.Folder, options: new() { Device = "cpu", DataType = "float32", Offline = true });
        var image = Image.Load(picture);
        var greedy = new GenerationOptions { Temperature = 0, MaxNewTokens = 24 };
        var library = await model.CompleteAsync(
            new() { Prompt = model.CreatePrompt(question, 1, "vicuna_v1"), Images = [image], Options = greedy }, TestContext.Current.CancellationToken);
        var session = new ChatSession(model, "vicuna_v1", greedy);
        await foreach (var _ in session.SendAsync(question, [image], TestContext.Current.CancellationToken))
        {
        }
        var client = await model.AsChatClient(new() { Template = "vicuna_v1", Generation = greedy }).GetResponseAsync(
            [new(ChatRole.User, [new DataContent(await File.ReadAllBytesAsync(picture, TestContext.Current.CancellationToken), "image/png"), new TextContent(question)])],
            cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(ids, library.OutputIds);
        Assert.Equal(ids, session.LastResult!.OutputIds);
        Assert.Equal(ids, ((GenerationResult)client.RawRepresentation!).OutputIds);
        Assert.Equal(ids, JsonDocument.Parse((await run).Output).RootElement.Integers("output_ids"));
        Assert.Equal($"USER: ASSISTANT: {text}\nUSER: exit...\n", (await chat).Output);
    }

    [Fact]
    public async Task Run_SeveralDevices_GivesTheSameIds()
    {
        var golden = TinyCheckpoint.Case("one");

        var outcome = await LlavaProcess.RunAsync(
            ["run", .. TinyCheckpoint.Flags.Select(flag => flag == "cpu" ? "cpu,cpu" : flag), "--image-file", TinyCheckpoint.Picture("wide"), "--query", golden.Text("question"), "--max_new_tokens", "24", "--json"]);

        Assert.Equal(golden.Integers("greedy_ids"), JsonDocument.Parse(outcome.Output).RootElement.Integers("output_ids"));
        Assert.Contains("cpu: ", outcome.Error);
    }

    [Fact]
    public async Task Run_Json_IsOneObjectAndNothingElse()
    {
        var golden = TinyCheckpoint.Case("two");

        // beginnings of flags, other spellings and another separator, as scripts for the original have them
        var outcome = await LlavaProcess.RunAsync(
            [
                "run", .. TinyCheckpoint.Flags, "--image", TinyCheckpoint.Picture("wide") + ";" + TinyCheckpoint.Picture("tall"), "--sep=;",
                "--que", golden.Text("question"), "--max-new-tokens", "24", "--json",
            ]);

        Assert.Equal((0, Warning), (outcome.ExitCode, outcome.Error));
        var answer = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(
            ["model", "template", "prompt", "input_ids", "output_ids", "text", "finish_reason", "prompt_tokens", "timings"],
            answer.EnumerateObject().Select(property => property.Name));
        Assert.Equal(["load", "image", "prefill", "decode"], answer.GetProperty("timings").EnumerateObject().Select(property => property.Name));
        Assert.All(answer.GetProperty("timings").EnumerateObject(), time => Assert.True(time.Value.GetDouble() > 0));
        Assert.Equal(("llava-v1.5-tiny", "vicuna_v1", "length"), (answer.Text("model"), answer.Text("template"), answer.Text("finish_reason")));
        Assert.Equal(golden.Text("prompt"), answer.Text("prompt"));
        Assert.Equal(golden.Integers("input_ids"), answer.Integers("input_ids"));
        Assert.Equal(golden.Integers("greedy_ids"), answer.Integers("output_ids"));
        Assert.Equal(golden.Text("greedy_text").Trim(), answer.Text("text"));
        Assert.Equal(golden.GetProperty("sequence_length").GetInt32(), answer.GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task RunAndChat_HuggingFaceLayout_AnswerAlike()
    {
        string[] flags = ["--model-path", TinyCheckpoint.HuggingFaceFolder, "--image-file", TinyCheckpoint.Picture("wide"), "--temperature", "0", "--device", "cpu", "--dtype", "float32", "--offline"];
        var run = LlavaProcess.RunAsync(["run", .. flags, "--query", "What is it?", "--max_new_tokens", "4", "--json"]);
        var chat = LlavaProcess.RunAsync(["chat", .. flags, "--max-new-tokens", "4"], "What is it?\n");

        Assert.Equal((0, ""), ((await run).ExitCode, (await run).Error));
        var answer = JsonDocument.Parse((await run).Output).RootElement;
        Assert.Equal("llava_v1", answer.Text("template"));
        Assert.Single(answer.Integers("input_ids"), -200);
        Assert.Equal($"USER: ASSISTANT: {answer.Text("text")}\nUSER: exit...\n", (await chat).Output);
    }

    [Fact]
    public async Task Run_Plain_PrintsTheTrimmedAnswer()
    {
        var golden = TinyCheckpoint.Case("text");

        var outcome = await LlavaProcess.RunAsync(["run", .. TinyCheckpoint.Flags, "-q", golden.Text("question"), "--max_new_tokens", "24"]);

        Assert.Equal((0, Warning), (outcome.ExitCode, outcome.Error));
        Assert.Equal(golden.Text("greedy_text").Trim() + Environment.NewLine, outcome.Output);
    }

    [Fact]
    public async Task Chat_CommandsDebugAndQuirks_FollowTheOriginal()
    {
        using var folder = new TemporaryDirectory();
        var saved = Path.Combine(folder.Path, "talk.json");

        var outcome = await LlavaProcess.RunAsync(
            ["chat", .. TinyCheckpoint.Flags, "--max-new-tokens", "2", "--debug"],
            $"/image {TinyCheckpoint.Picture("wide")}\nWhat is in the picture?\n/save {saved}\n/reset\nIt's \"what\"?\n\nnever said\n");

        Assert.Equal(0, outcome.ExitCode);
        const string system = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions.";
        Assert.Contains($"\n\n{{'prompt': \"{system} USER: <image>\\nWhat is in the picture? ASSISTANT:\", 'outputs': 'basesing'}}\n\n", outcome.Output);
        Assert.Contains($"{{'prompt': '{system.Replace("'", "\\'")} USER: It\\'s \"what\"? ASSISTANT:', 'outputs': ", outcome.Output);
        Assert.EndsWith("USER: exit...\n", outcome.Output);
        Assert.Equal("<image>\nWhat is in the picture?", JsonDocument.Parse(File.ReadAllText(saved)).RootElement[0].GetProperty("conversations")[0].Text("value"));
        Assert.DoesNotContain('\u001b', outcome.Output + outcome.Error);
    }

    [Fact]
    public async Task Chat_TurnThatFails_GoesOnAndEndsWithOne()
    {
        var outcome = await LlavaProcess.RunAsync(
            ["chat", .. TinyCheckpoint.Flags, "--max-new-tokens", "2"], "<image> What?\n/imagine x\n/image none.png\nHello\n");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("1 <image> marker, but 0 pictures", outcome.Error);
        Assert.Contains("Unknown command '/imagine'. Did you mean '/image'?", outcome.Error);
        Assert.Contains("none.png", outcome.Error);
        Assert.EndsWith("USER: exit...\n", outcome.Output);
    }

    [Theory]
    [InlineData(2, "--query", "run")]
    [InlineData(2, "--frobnicate", "run", "--query", "x", "--frobnicate")]
    [InlineData(2, "warm", "run", "--query", "x", "--temperature", "warm")]
    [InlineData(2, "--threads", "run", "--query", "x", "--threads", "0")]
    [InlineData(2, "ambiguous", "run", "--query", "x", "--load-")]
    [InlineData(1, "'vicuna_v1'", "run", "--query", "x", "--conv-mode", "vicuna1")]
    [InlineData(1, "'mps'", "run", "--query", "x", "--device", "mp", "--model-path", "{tiny}")]
    [InlineData(1, "'float16'", "chat", "--dtype", "float1", "--model-path", "{tiny}")]
    [InlineData(1, "/no/such/model", "run", "--query", "x", "--model-path", "/no/such/model", "--offline")]
    [InlineData(1, "nobody/llava-none", "run", "--query", "x", "--model-path", "nobody/llava-none", "--offline")]
    [InlineData(1, "not in both", "run", "--query", "x", "--load-4bit", "--load-8bit")]
    [InlineData(1, "'nf4'", "run", "--query", "x", "--quant-type", "nf5")]
    [InlineData(1, "none.png", "run", "--query", "x", "--image-file", "none.png")]
    [InlineData(1, "The temperature is -1", "run", "--query", "x", "--temperature", "-1")]
    [InlineData(1, "2 <image> markers, but 1 picture", "run", "--query", "<image-placeholder><image-placeholder>", "-i", "{wide}", "--model-path", "{tiny}")]
    public async Task WrongUsageAndFailures_AreOneLineAndTheirCode(int code, string named, params string[] arguments)
    {
        var given = arguments.Select(argument => argument.Replace("{tiny}", TinyCheckpoint.Folder).Replace("{wide}", TinyCheckpoint.Picture("wide"))).ToArray();

        var outcome = await LlavaProcess.RunAsync(given);

        Assert.Equal((code, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains(named, outcome.Error);
        Assert.Single(outcome.Error.TrimEnd().Split('\n'), line => line.StartsWith("llava", StringComparison.Ordinal));
    }

    private sealed class TemporaryDirectory : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("llava-chat-test-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
