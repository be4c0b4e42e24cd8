using System.ClientModel;
using LlavaSharp.Imaging;
using OpenAI;
using OpenAI.Chat;

namespace LlavaSharp.Serving.Tests.OpenAi;

/// <summary>The official .NET client in front of our server.</summary>
public class OpenAiClientTests(ApiStage stage) : IClassFixture<ApiStage>
{
    private const string Question = "What colour is the picture?";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private OpenAIClient Client => new(new ApiKeyCredential("none"), new() { Endpoint = new(stage.Address, "v1"), NetworkTimeout = TimeSpan.FromMinutes(2) });

    private ChatClient Chat => Client.GetChatClient(ApiStage.Name);

    private static ChatCompletionOptions Greedy => new() { Temperature = 0, MaxOutputTokenCount = 30 };

    [Fact]
    public async Task Models_AreListedAndFound()
    {
        var models = await Client.GetOpenAIModelClient().GetModelsAsync(Cancellation);
        Assert.Equal([ApiStage.Name], models.Value.Select(model => model.Id));
        Assert.Equal(ApiStage.Name, (await Client.GetOpenAIModelClient().GetModelAsync(ApiStage.Name, Cancellation)).Value.Id);
    }

    [Fact]
    public async Task Chat_Picture_IsAnsweredAsByTheLibrary()
    {
        var completion = (await Chat.CompleteChatAsync([Ask()], Greedy, Cancellation)).Value;
        var expected = await LibraryAsync();
        Assert.Equal(expected.Text, completion.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, completion.FinishReason);
        Assert.Equal(expected.PromptTokens, completion.Usage.InputTokenCount);
        Assert.Equal(expected.OutputIds.Count, completion.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task Chat_Streamed_GivesTheSameTextAndTheUsage()
    {
        var (text, usage, reason) = ("", (ChatTokenUsage?)null, (ChatFinishReason?)null);
        await foreach (var update in Chat.CompleteChatStreamingAsync([Ask()], Greedy, Cancellation))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            (usage, reason) = (update.Usage ?? usage, update.FinishReason ?? reason);
        }
        var expected = await LibraryAsync();
        Assert.Equal(expected.Text, text.Trim());
        Assert.Equal(ChatFinishReason.Stop, reason);
        Assert.Equal(expected.OutputIds.Count, usage!.OutputTokenCount);
    }

    [Fact]
    public async Task Chat_LogProbabilities_AreThoseOfTheTokens()
    {
        var options = Greedy;
        (options.IncludeLogProbabilities, options.TopLogProbabilityCount) = (true, 3);
        var completion = (await Chat.CompleteChatAsync([Ask()], options, Cancellation)).Value;
        Assert.Equal(completion.Usage.OutputTokenCount, completion.ContentTokenLogProbabilities.Count);
        Assert.All(completion.ContentTokenLogProbabilities, token =>
        {
            Assert.Equal(3, token.TopLogProbabilities.Count);
            Assert.Equal(token.TopLogProbabilities[0].LogProbability, token.LogProbability);   // greedy
            Assert.True(token.LogProbability <= 0);
        });
        Assert.Contains(completion.Content[0].Text.TrimEnd('.'), string.Concat(completion.ContentTokenLogProbabilities.Select(token => token.Token)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_SameSeed_GivesTheSameText()
    {
#pragma warning disable OPENAI001 // the seed may change in later versions of the client
        var texts = new List<string>();
        for (var i = 0; i < 2; i++)
            texts.Add((await Chat.CompleteChatAsync([Ask("Describe the picture.")], new() { Temperature = 1.5f, Seed = 7, MaxOutputTokenCount = 30 }, Cancellation)).Value.Content[0].Text);
        Assert.Equal(texts[0], texts[1]);
#pragma warning restore OPENAI001
    }

    [Fact]
    public async Task Chat_LimitOfTokens_EndsWithLength()
    {
        var completion = (await Chat.CompleteChatAsync([Ask("Describe the picture.")], new() { Temperature = 0, MaxOutputTokenCount = 2 }, Cancellation)).Value;
        Assert.Equal(ChatFinishReason.Length, completion.FinishReason);
        Assert.Equal(2, completion.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task Chat_UnknownModel_IsNotFound()
    {
        var exception = await Assert.ThrowsAsync<ClientResultException>(() => Client.GetChatClient("nobody").CompleteChatAsync([Ask()], Greedy, Cancellation));
        Assert.Equal(404, exception.Status);
        Assert.Contains("model_not_found", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_CancelledStream_EndsTheWork()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in Chat.CompleteChatStreamingAsync([Ask("Describe the picture.")], new() { Temperature = 1.9f }, stop.Token))
                await stop.CancelAsync();
        });
        for (var i = 0; i < 500 && stage.Engine.Statistics.Running > 0; i++)
            await Task.Delay(10, Cancellation);
        Assert.Equal(0, stage.Engine.Statistics.Running);
    }

    private static Image Picture => Image.FromRgb(64, 64, [.. Enumerable.Repeat<byte[]>([220, 30, 30], 64 * 64).SelectMany(pixel => pixel)]);

    private static UserChatMessage Ask(string text = Question) => new(
        ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(Picture.EncodePng()), "image/png"), ChatMessageContentPart.CreateTextPart(text));

    private Task<Generation.GenerationResult> LibraryAsync() => stage.Engine.Model.CompleteAsync(stage.Engine.Model.CreateRequest(Question, [Picture], new() { Temperature = 0, MaxNewTokens = 30 }), Cancellation);
}
