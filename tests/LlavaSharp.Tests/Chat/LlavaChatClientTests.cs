using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;
using Microsoft.Extensions.AI;

namespace LlavaSharp.Tests.Chat;

public sealed class LlavaChatClientTests
{
    private static readonly ChatOptions _greedy = new() { Temperature = 0, MaxOutputTokens = 24 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IChatClient Client(string? template = "vicuna_v1") => TinyModel.Shared.AsChatClient(new() { Template = template });

    private static DataContent Picture(string name) => new(File.ReadAllBytes(TinyModel.PictureFile(name)), "image/png");

    private static ChatMessage User(params AIContent[] contents) => new(ChatRole.User, contents);

    private static GenerationResult Raw(ChatResponse response) => (GenerationResult)response.RawRepresentation!;

    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    [InlineData("text")]
    public async Task GetResponse_GoldenCase_IsTheOriginals(string id)
    {
        var expected = TinyModel.Case(id);

        var response = await Client().GetResponseAsync(
            [User([new TextContent(expected.Question), .. expected.PictureNames.Select(Picture)])], _greedy, Token);

        Assert.Equal(expected.Prompt, Raw(response).Prompt);
        Assert.Equal(expected.GreedyIds, Raw(response).OutputIds);
        Assert.Equal(expected.GreedyText, response.Text);
        Assert.Equal((expected.SequenceLength, 24, expected.SequenceLength + 24), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
        Assert.Equal((ChatFinishReason.Length, "llava-v1.5-tiny", ChatRole.Assistant), (response.FinishReason, response.ModelId, Assert.Single(response.Messages).Role));
    }

    [Fact]
    public async Task GetStreamingResponse_GoldenCase_AddsUpToTheSameAnswer()
    {
        var expected = TinyModel.Case("one");

        var updates = await Client().GetStreamingResponseAsync([User(Picture("wide"), new TextContent(expected.Question))], _greedy, Token).ToListAsync(Token);

        Assert.True(updates.Count > 2);
        var response = updates.ToChatResponse();
        Assert.Equal(expected.GreedyText, response.Text.Trim());
        Assert.Equal(expected.GreedyIds, ((GenerationResult)updates[^1].RawRepresentation!).OutputIds);
        Assert.Equal((24, ChatFinishReason.Length), (response.Usage!.OutputTokenCount, response.FinishReason));
        Assert.Single(updates.Select(update => update.ResponseId).Distinct());
    }

    [Fact]
    public async Task GetResponse_SeveralTurnsAndSystem_FollowTheTemplate()
    {
        var response = await Client().GetResponseAsync(
            [
                new(ChatRole.System, "Be short."),
                User(Picture("wide"), new TextContent("What?")),
                new(ChatRole.Assistant, "A circle <image>."),
                User(Picture("tall"), new TextContent("And this?")),
                new(ChatRole.User, "Tell me."),
            ],
            _greedy,
            Token);

        Assert.Equal("Be short. USER: <image>\nWhat? ASSISTANT: A circle .</s>USER: <image>\nAnd this?\nTell me. ASSISTANT:", Raw(response).Prompt);
    }

    [Theory]
    [InlineData("llava_llama_2", "[INST] <<SYS>>\nBe short.\n<</SYS>>\n\nHi [/INST]")]
    [InlineData("chatml_direct", "<|im_start|>system\nBe short.<|im_end|><|im_start|>user\nHi<|im_end|><|im_start|>assistant\n")]
    [InlineData("llava_v0", "Be short.###Human: Hi###Assistant:")]
    public async Task GetResponse_SystemMessage_ReplacesTheTemplatesText(string template, string prompt)
    {
        var response = await Client(template).GetResponseAsync([new(ChatRole.System, "Be short."), new(ChatRole.User, "Hi")], _greedy, Token);

        Assert.Equal(prompt, Raw(response).Prompt);
    }

    [Fact]
    public async Task GetResponse_Instructions_StandBeforeSystemMessages()
    {
        var response = await Client().GetResponseAsync(
            [new(ChatRole.System, "Two."), new(ChatRole.User, "Hi")], new ChatOptions { Instructions = "One.", Temperature = 0, MaxOutputTokens = 1 }, Token);

        Assert.Equal("One.\nTwo. USER: Hi ASSISTANT:", Raw(response).Prompt);
    }

    [Fact]
    public async Task GetResponse_StopSequence_EndsBeforeIt()
    {
        var expected = TinyModel.Case("one");
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 24, StopSequences = ["the"] };

        var response = await Client().GetResponseAsync([User(Picture("wide"), new TextContent(expected.Question))], options, Token);

        Assert.Equal(expected.GreedyText[..expected.GreedyText.IndexOf("the", StringComparison.Ordinal)].Trim(), response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task GetResponse_SameSeed_IsTheSameAnswer()
    {
        var options = new ChatOptions { Temperature = 1, TopP = 0.9f, TopK = 100, Seed = 7, MaxOutputTokens = 12 };

        var first = await Client().GetResponseAsync("What?", options, Token);
        var second = await Client().GetResponseAsync("What?", options, Token);
        var other = await Client().GetResponseAsync("What?", new ChatOptions { Temperature = 1, TopP = 0.9f, TopK = 100, Seed = 8, MaxOutputTokens = 12 }, Token);

        Assert.Equal(Raw(first).OutputIds, Raw(second).OutputIds);
        Assert.NotEqual(Raw(first).OutputIds, Raw(other).OutputIds);
    }

    [Fact]
    public void Options_AllSet_ReachTheGeneration()
    {
        var options = new ChatOptions
        {
            Temperature = 0.7f, TopP = 0.9f, TopK = 5, Seed = 3, MaxOutputTokens = 9, StopSequences = ["x"],
            RawRepresentationFactory = _ => new GenerationOptions { NumBeams = 2, RepetitionPenalty = 1.5 },
        };

        var generation = ChatRequests.Generation(Client(), options, new GenerationOptions(), TinyModel.Shared, null);

        Assert.Equal((0.7, 0.9, 5, 3UL, 9), (generation.Temperature, generation.TopP, generation.TopK, generation.Seed, generation.MaxNewTokens));
        Assert.Equal((2, 1.5), (generation.NumBeams, generation.RepetitionPenalty));
        Assert.Equal(["x"], generation.StopStrings);
    }

    [Fact]
    public async Task GetResponse_WhatCannotBeTaken_IsRefusedByName()
    {
        foreach (var (options, name) in new (ChatOptions, string)[]
        {
            (new() { Tools = [new HostedWebSearchTool()] }, "HostedWebSearchTool"),
            (new() { Tools = [Lamp], ResponseFormat = ChatResponseFormat.Json }, "ResponseFormat"),
            (new() { ConversationId = "7" }, "ConversationId"),
        })
            Assert.Equal(name, (await Assert.ThrowsAsync<UnsupportedContentException>(() => Client().GetResponseAsync("Hi", options, Token))).What);
        foreach (var (message, name) in new (ChatMessage, string)[]
        {
            (User(new DataContent(new byte[] { 1 }, "audio/wav")), "DataContent"),
            (User(new FunctionCallContent("1", "f")), "FunctionCallContent"),
            (new(ChatRole.Assistant, [Picture("wide")]), "DataContent"),
            (new(ChatRole.Tool, "x"), "TextContent"),
            (new(new ChatRole("king"), "x"), "king"),
        })
            Assert.Equal(name, (await Assert.ThrowsAsync<UnsupportedContentException>(() => Client().GetResponseAsync([new(ChatRole.User, "Hi"), message], null, Token))).What);
        Assert.Equal("llava-v1.5-tiny", (await Assert.ThrowsAsync<UnknownNameException>(() => Client().GetResponseAsync("Hi", new() { ModelId = "llava-v1.5" }, Token))).Nearest);
    }

    [Fact]
    public async Task GetResponse_Format_IsHeldTo()
    {
        var schema = System.Text.Json.JsonElement.Parse("""{"type":"object","properties":{"kind":{"enum":["cat","dog"]},"count":{"type":"integer","minimum":1,"maximum":9}},"required":["kind","count"]}""");
        var response = await Client().GetResponseAsync("What is it?", new() { Temperature = 0, ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) }, Token);

        Assert.Null(Generation.Constraints.SchemaJudge.Fault(schema, System.Text.Json.JsonElement.Parse(response.Text)));
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        var cut = await Client().GetResponseAsync("What is it?", new() { Temperature = 0, MaxOutputTokens = 4, ResponseFormat = ChatResponseFormat.Json }, Token);
        Assert.StartsWith("{", cut.Text, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.Length, cut.FinishReason);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetResponse_RequiredTool_IsCalledAndItsResultTaken(bool streamed)
    {
        var options = new ChatOptions { Temperature = 0, Tools = [Lamp], ToolMode = ChatToolMode.RequireSpecific("set_lamp"), MaxOutputTokens = 300 };
        List<ChatMessage> messages = [new(ChatRole.User, "Make it dark.")];
        var response = streamed ? await Client().GetStreamingResponseAsync(messages, options, Token).ToChatResponseAsync(Token) : await Client().GetResponseAsync(messages, options, Token);

        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(response.Messages.SelectMany(message => message.Contents), content => content is not UsageContent));
        Assert.Equal("set_lamp", call.Name);
        Assert.InRange(((System.Text.Json.JsonElement)call.Arguments!["level"]!).GetInt32(), 0, 100);

        messages.AddRange([.. response.Messages, new(ChatRole.Tool, [new FunctionResultContent(call.CallId, new { done = true })])]);
        var answer = await Client().GetResponseAsync(messages, new() { Temperature = 0, MaxOutputTokens = 5, Tools = [Lamp] }, Token);
        Assert.Contains("<tool_call>{\"name\":\"set_lamp\"", Raw(answer).Prompt, StringComparison.Ordinal);
        Assert.Contains("<tool_response>{\"done\":true}</tool_response>", Raw(answer).Prompt, StringComparison.Ordinal);
        Assert.Contains("\"name\":\"set_lamp\",\"description\":\"Sets the lamp.\"", Raw(answer).Prompt, StringComparison.Ordinal);
        await Assert.ThrowsAsync<PromptException>(() => Client().GetResponseAsync([messages[0], new(ChatRole.Tool, [new FunctionResultContent("other", "x")])], null, Token));
    }

    private static AIFunction Lamp => AIFunctionFactory.Create(([System.ComponentModel.DataAnnotations.Range(0, 100)] int level) => level, "set_lamp", "Sets the lamp.");

    [Fact]
    public async Task GetResponse_TurnsThatCannotBeAnswered_AreRefused()
    {
        await Assert.ThrowsAsync<PromptException>(() => Client().GetResponseAsync([], null, Token));
        await Assert.ThrowsAsync<PromptException>(() => Client().GetResponseAsync([new(ChatRole.Assistant, "Hi")], null, Token));
        await Assert.ThrowsAsync<PromptException>(() => Client().GetResponseAsync([new(ChatRole.User, "Hi"), new(ChatRole.Assistant, "Hi")], null, Token));
        await Assert.ThrowsAsync<ImageCountException>(() => Client().GetResponseAsync("<image> Hi", null, Token));
        await Assert.ThrowsAsync<ImageException>(() => Client().GetResponseAsync([User(new DataContent(new byte[] { 1, 2, 3 }, "image/png"))], null, Token));
    }

    [Fact]
    public async Task GetResponse_Addresses_AreFollowedOnlyWhereAllowed()
    {
        var uri = new UriContent(new Uri(TinyModel.PictureFile("wide")), "image/png");
        var question = TinyModel.Case("one").Question;

        await Assert.ThrowsAsync<ImageException>(() => Client().GetResponseAsync([User(uri, new TextContent(question))], _greedy, Token));
        await Assert.ThrowsAsync<ImageException>(() => Client().GetResponseAsync([User(new UriContent("http://127.0.0.1:1/x.png", "image/png"))], _greedy, Token));

        var allowed = TinyModel.Shared.AsChatClient(new() { Template = "vicuna_v1", Pictures = new() { AllowFiles = true, AllowUrls = false } });
        var response = await allowed.GetResponseAsync([User(uri, new TextContent(question))], _greedy, Token);
        Assert.Equal(TinyModel.Case("one").GreedyIds, Raw(response).OutputIds);
        var fromDataUri = await Client().GetResponseAsync(
            [User(new DataContent("data:image/png;base64," + Convert.ToBase64String(File.ReadAllBytes(TinyModel.PictureFile("wide")))), new TextContent(question))], _greedy, Token);
        Assert.Equal(TinyModel.Case("one").GreedyIds, Raw(fromDataUri).OutputIds);
    }

    [Fact]
    public async Task GetStreamingResponse_Cancelled_StopsSoon()
    {
        using var cancellation = new CancellationTokenSource();
        var pieces = 0;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in Client().GetStreamingResponseAsync("What?", new ChatOptions { Temperature = 0, MaxOutputTokens = 1500 }, cancellation.Token))
                if (++pieces == 2)
                    cancellation.Cancel();
        });

        Assert.Equal(TinyModel.Case("text").GreedyIds, Raw(await Client().GetResponseAsync(TinyModel.Case("text").Question, _greedy, Token)).OutputIds);
    }

    [Fact]
    public void GetService_KnownTypes_AreFound()
    {
        var client = Client();

        Assert.Equal("llava-v1.5-tiny", client.GetService<ChatClientMetadata>()!.DefaultModelId);
        Assert.Same(TinyModel.Shared, client.GetService<LlavaModel>());
        Assert.Same(client, client.GetService<IChatClient>());
        Assert.Null(client.GetService<string>());
        Assert.Null(client.GetService(typeof(LlavaModel), "key"));
    }
}
