using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.Serving.Clients;
using LlavaSharp.Serving.Controller;
using LlavaSharp.Serving.Upstream;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Serving.Tests.Upstream;

/// <summary>A worker with <c>llava serve</c> behind it says what <c>llava serve</c> says itself.</summary>
public class UpstreamBackendTests(UpstreamStage stage) : IClassFixture<UpstreamStage>
{
    private static readonly string _red = Convert.ToBase64String(Picture(200, 30, 30).EncodePng());
    private static readonly string _blue = Convert.ToBase64String(Picture(20, 40, 220).EncodeJpeg());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, int> Prompts => new()
    {
        { UpstreamStage.Prompt("Hello"), 0 },
        { "no template at all: one, two,", 0 },
        { UpstreamStage.Prompt("<image>\nWhat color is it?"), 1 },
        { UpstreamStage.Prompt("<image>\n<image>\nWhich one is red?"), 2 },
        { UpstreamStage.Prompt("<image>\nDescribe the picture.", "It is red.", "<image>\nAnd this one?", "Blue.", "Are you sure?"), 2 },
        { "Another system text. USER: <image>\nWhat is there? ASSISTANT:", 1 },
        { " USER: <image>\nWhat is there? ASSISTANT:", 1 },
    };

    [Theory]
    [MemberData(nameof(Prompts))]
    public async Task Answer_OfTheUpstream_IsTheOneGivenDirectly(string prompt, int pictures)
    {
        var body = Body(prompt, pictures, new() { ["temperature"] = 0, ["max_new_tokens"] = 40, ["stop"] = "</s>" });
        body["model"] = UpstreamStage.Name;
        var direct = await UpstreamStage.AskAsync(stage.Server, body.ToJsonString(), Cancellation);
        var behind = await UpstreamStage.AskAsync(stage.Worker, body.ToJsonString(), Cancellation);
        Assert.All(behind, frame => Assert.Equal(0, frame.Code));
        Assert.True(behind.Length > 2, $"{behind.Length}");   // it is streamed
        Assert.All(behind.Zip(behind.Skip(1)), pair => Assert.StartsWith(pair.First.Text, pair.Second.Text));
        Assert.StartsWith(prompt, behind[^1].Text);
        // chats have no blank in front of the answer
        Assert.Equal(direct[^1].Text[prompt.Length..].Trim(), behind[^1].Text[prompt.Length..].Trim());
        Assert.NotEqual(prompt, direct[^1].Text.Trim());
    }

    [Fact]
    public async Task Answer_StopAndLength_AreTheUpstreams()
    {
        var prompt = UpstreamStage.Prompt("Hello");
        var whole = (await AskAsync(Body(prompt, 0, new() { ["temperature"] = 0, ["max_new_tokens"] = 40 })))[^1].Text[prompt.Length..];
        var stop = whole[(whole.Length / 2)..(whole.Length / 2 + 3)];
        var stopped = (await AskAsync(Body(prompt, 0, new() { ["temperature"] = 0, ["max_new_tokens"] = 40, ["stop"] = stop })))[^1].Text[prompt.Length..];
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], stopped);
        var few = (await AskAsync(Body(prompt, 0, new() { ["temperature"] = 0, ["max_new_tokens"] = 2 })))[^1].Text[prompt.Length..];
        Assert.StartsWith(few, whole);
        Assert.True(few.Length < whole.Length);
    }

    [Fact]
    public async Task Answer_NothingFits_IsTheTooLongFrame()
    {
        foreach (var (prompt, limit) in new[] { (UpstreamStage.Prompt("Hello"), 0), (UpstreamStage.Prompt(string.Concat(Enumerable.Repeat("word ", 4000))), 5) })
        {
            var frames = await AskAsync(Body(prompt, 0, new() { ["max_new_tokens"] = limit }));
            Assert.Equal((prompt + "Exceeds max token length. Please start a new conversation, thanks.", 0), Assert.Single(frames));
        }
    }

    [Theory]
    [InlineData("What is <image>\nthis? ASSISTANT:", 1)]                             // no template
    [InlineData("S USER: What is this? <image> ASSISTANT:", 1)]                      // not in front of the question
    [InlineData("S USER: <image> What is this? ASSISTANT:", 1)]                      // no line feed
    [InlineData("S USER: <image>\nWhat? ASSISTANT: An <image>.</s>USER: x ASSISTANT:", 2)]   // an answer is none
    [InlineData("<image> USER: What? ASSISTANT:", 1)]                                // nor is the system's text
    [InlineData("S USER: <image>\nWhat? ASSISTANT:", 2)]                             // numbers differ
    [InlineData("S USER: <image>\nWhat? ASSISTANT: yes</s>", 1)]                     // nothing is open
    public async Task Answer_PromptThatMessagesCannotSay_IsAnErrorFrame(string prompt, int pictures) =>
        Assert.Equal(1, Assert.Single(await AskAsync(Body(prompt, pictures, []))).Code);

    [Fact]
    public async Task Answer_BehindAController_GoesAllTheWay()
    {
        await using var controller = await ControllerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, UpstreamStage.Quiet, Cancellation);
        var options = new UpstreamOptions { Address = stage.Server.ToString(), Model = UpstreamStage.Name };
        using var client = new UpstreamClient(options);
        var backend = await UpstreamBackend.CreateAsync(client, options, cancellation: Cancellation);
        await using var worker = await WorkerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, ControllerAddress = controller.Address.ToString() }, backend, UpstreamStage.Quiet, Cancellation);
        using var output = new StringWriter();
        await TestMessageClient.RunAsync(controller.Address.ToString(), null, UpstreamStage.Name, "Hello", 5, output, Cancellation);
        Assert.StartsWith($"Models: ['{UpstreamStage.Name}']\n", output.ToString(), StringComparison.Ordinal);
    }

    private Task<(string Text, int Code)[]> AskAsync(JsonObject body) => UpstreamStage.AskAsync(stage.Worker, body.ToJsonString(), Cancellation);

    private static JsonObject Body(string prompt, int pictures, JsonObject body)
    {
        body["prompt"] = prompt;
        if (pictures > 0)
            body["images"] = new JsonArray([.. Enumerable.Range(0, pictures).Select(i => (JsonNode)(i == 0 ? _red : _blue))]);
        return body;
    }

    private static Image Picture(byte red, byte green, byte blue) => Image.FromRgb(40, 30, [.. Enumerable.Range(0, 1200).SelectMany(i => new[] { (byte)(red - i % 9), green, blue })]);
}
