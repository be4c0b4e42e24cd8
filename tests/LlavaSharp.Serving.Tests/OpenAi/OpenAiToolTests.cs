using System.ClientModel;
using System.Text.Json;
using LlavaSharp.Imaging;
using OpenAI;
using OpenAI.Chat;

namespace LlavaSharp.Serving.Tests.OpenAi;

/// <summary>JSON and tools through the official .NET client.</summary>
public class OpenAiToolTests(ApiStage stage) : IClassFixture<ApiStage>
{
    private const string Schema = """{"type":"object","properties":{"colour":{"type":"string","enum":["red","green","blue"]},"count":{"type":"integer","minimum":0,"maximum":9}},"required":["colour","count"],"additionalProperties":false}""";

    private static readonly ChatTool _lamp = ChatTool.CreateFunctionTool("set_lamp", "Sets the lamp.", BinaryData.FromString("""{"type":"object","properties":{"level":{"type":"integer","minimum":0,"maximum":100}},"required":["level"]}"""), functionSchemaIsStrict: true);

    private static readonly ChatTool _bell = ChatTool.CreateFunctionTool("ring");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ChatClient Chat => new OpenAIClient(new ApiKeyCredential("none"), new() { Endpoint = new(stage.Address, "v1"), NetworkTimeout = TimeSpan.FromMinutes(2) }).GetChatClient(ApiStage.Name);

    private static ChatCompletionOptions Options(params ChatTool[] tools)
    {
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 300 };
        foreach (var tool in tools)
            options.Tools.Add(tool);
        return options;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_JsonSchema_IsHeldTo(bool streamed)
    {
        var options = Options();
        options.ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("answer", BinaryData.FromString(Schema), jsonSchemaIsStrict: true);
        var text = "";
        if (streamed)
            await foreach (var update in Chat.CompleteChatStreamingAsync([Ask()], options, Cancellation))
                text += string.Concat(update.ContentUpdate.Select(part => part.Text));
        else
            text = (await Chat.CompleteChatAsync([Ask()], options, Cancellation)).Value.Content[0].Text;
        using var json = JsonDocument.Parse(text);
        Assert.Equal(["colour", "count"], json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Contains(json.RootElement.GetProperty("colour").GetString(), new[] { "red", "green", "blue" });
        Assert.InRange(json.RootElement.GetProperty("count").GetInt32(), 0, 9);
    }

    [Fact]
    public async Task Chat_JsonObject_BeginsOne()
    {
        var options = Options();
        (options.ResponseFormat, options.MaxOutputTokenCount) = (ChatResponseFormat.CreateJsonObjectFormat(), 40);
        var completion = (await Chat.CompleteChatAsync([Ask()], options, Cancellation)).Value;
        Assert.StartsWith("{", completion.Content[0].Text, StringComparison.Ordinal);
        if (completion.FinishReason == ChatFinishReason.Stop)
            JsonDocument.Parse(completion.Content[0].Text).Dispose();
    }

    [Fact]
    public async Task Chat_NamedTool_IsCalledAndTheResultTaken()
    {
        var options = Options(_lamp, _bell);
        options.ToolChoice = ChatToolChoice.CreateFunctionChoice("set_lamp");
        var completion = (await Chat.CompleteChatAsync([Ask()], options, Cancellation)).Value;
        Assert.Equal(ChatFinishReason.ToolCalls, completion.FinishReason);
        var call = Assert.Single(completion.ToolCalls);
        Assert.Equal("set_lamp", call.FunctionName);
        using var arguments = JsonDocument.Parse(call.FunctionArguments);
        Assert.InRange(arguments.RootElement.GetProperty("level").GetInt32(), 0, 100);

        var (more, prompt) = (Options(_lamp), new ChatMessage[] { Ask(), new AssistantChatMessage(completion), new ToolChatMessage(call.Id, "done") });
        more.MaxOutputTokenCount = 5;
        var answer = (await Chat.CompleteChatAsync(prompt, more, Cancellation)).Value;
        Assert.True(answer.Usage.InputTokenCount > completion.Usage.InputTokenCount / 2);
        var wrong = await Assert.ThrowsAsync<ClientResultException>(() => Chat.CompleteChatAsync([Ask(), new ToolChatMessage("nobody", "done")], more, Cancellation));
        Assert.Equal(400, wrong.Status);
    }

    [Fact]
    public async Task Chat_RequiredToolsStreamed_ComeInPieces()
    {
        var options = Options(_lamp, _bell);
        (options.ToolChoice, options.AllowParallelToolCalls) = (ChatToolChoice.CreateRequiredChoice(), false);
        var (ids, names, arguments, text, reason) = (new List<string>(), new List<string>(), "", "", (ChatFinishReason?)null);
        await foreach (var update in Chat.CompleteChatStreamingAsync([Ask()], options, Cancellation))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            reason = update.FinishReason ?? reason;
            foreach (var piece in update.ToolCallUpdates)
            {
                Assert.Equal(0, piece.Index);
                if (!string.IsNullOrEmpty(piece.ToolCallId))
                    ids.Add(piece.ToolCallId);
                if (!string.IsNullOrEmpty(piece.FunctionName))
                    names.Add(piece.FunctionName);
                arguments += piece.FunctionArgumentsUpdate;
            }
        }
        Assert.Equal("", text);
        Assert.Single(ids);
        Assert.Contains(Assert.Single(names), new[] { "set_lamp", "ring" });
        JsonDocument.Parse(arguments).Dispose();
        Assert.Equal(ChatFinishReason.ToolCalls, reason);
    }

    [Fact]
    public async Task Chat_ToolsNotToBeCalled_AnswersInWords()
    {
        var options = Options(_lamp);
        options.ToolChoice = ChatToolChoice.CreateNoneChoice();
        var (with, without) = ((await Chat.CompleteChatAsync([Ask()], options, Cancellation)).Value, (await Chat.CompleteChatAsync([Ask()], Options(), Cancellation)).Value);
        Assert.Equal(without.Content[0].Text, with.Content[0].Text);
        Assert.Empty(with.ToolCalls);
    }

    private static UserChatMessage Ask() => new(
        ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(Image.FromRgb(64, 64, [.. Enumerable.Repeat<byte[]>([220, 30, 30], 64 * 64).SelectMany(pixel => pixel)]).EncodePng()), "image/png"),
        ChatMessageContentPart.CreateTextPart("What colour is the picture?"));
}
