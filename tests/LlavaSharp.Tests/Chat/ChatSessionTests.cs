using System.Text.Json;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Tests.Checkpoints;

namespace LlavaSharp.Tests.Chat;

public sealed class ChatSessionTests
{
    private static ChatSession Session(string? template = "vicuna_v1", GenerationOptions? options = null) =>
        new(TinyModel.Shared, template, options ?? TinyModel.Greedy);

    private static async Task<string> SayAsync(ChatSession session, string text, params Image[] images)
    {
        var answer = "";
        await foreach (var piece in session.SendAsync(text, images, TestContext.Current.CancellationToken))
            answer += piece;
        return answer;
    }

    [Fact]
    public async Task Send_FirstTurn_IsTheOriginalsAnswer()
    {
        var expected = TinyModel.Case("one");
        var session = Session();

        var answer = await SayAsync(session, expected.Question, [.. expected.Pictures]);

        Assert.Equal(expected.GreedyIds, session.LastResult!.OutputIds);
        Assert.Equal(expected.GreedyText, answer.Trim());
        Assert.Equal(expected.GreedyText, session.Conversation.Messages[^1].Text);
    }

    [Fact]
    public async Task Send_SecondTurn_SendsTheHistoryAndThePictureAgain()
    {
        var session = Session();
        session.AddImage(TinyModel.Picture("wide"));
        var first = (await SayAsync(session, "What?")).Trim();

        await SayAsync(session, "And?");

        Assert.EndsWith($" USER: <image>\nWhat? ASSISTANT: {first}</s>USER: And? ASSISTANT:", session.LastResult!.Prompt);
        Assert.Single(session.LastResult.InputIds, id => id == -200);
        Assert.Empty(session.PendingImages);
    }

    [Fact]
    public async Task Send_SecondPictureLater_HasItsMarkerInItsTurn()
    {
        var session = Session();
        await SayAsync(session, "What?", TinyModel.Picture("wide"));
        session.AddImage(TinyModel.Picture("tall"));

        await SayAsync(session, "And this?");

        Assert.Equal(2, session.Images.Count);
        Assert.Contains("</s>USER: <image>\nAnd this? ASSISTANT:", session.LastResult!.Prompt);
        Assert.Equal(2, session.LastResult.InputIds.Count(id => id == -200));
    }

    [Fact]
    public async Task Send_OriginalQuirks_KeepTheEndTokenInTheHistory()
    {
        // the second token is declared to be the end, so that the answer ends by itself
        var ends = TinyModel.Case("one").GreedyIds[1];
        foreach (var (compatibility, expected) in new[] { (CompatibilityOptions.Original, true), (CompatibilityOptions.Mended, false) })
        {
            using var folder = new TemporaryFolder();
            folder.CopyFrom(TinyModel.Folder);
            folder.Write("generation_config.json", $$"""{"eos_token_id": {{ends}}}""");
            using var model = LlavaModel.Load(
                folder.Path, modelName: "llava-v1.5-tiny",
                options: TinyModel.Options with { Compatibility = compatibility, ConfigOverrides = Tower() });
            var session = new ChatSession(model, "vicuna_v1", TinyModel.Greedy);

            await SayAsync(session, TinyModel.Case("one").Question, TinyModel.Picture("wide"));

            var full = model.Tokenizer.Decode(session.LastResult!.OutputIds, skipSpecialTokens: false).Trim();
            Assert.Equal(FinishReason.Stop, session.LastResult.FinishReason);
            Assert.Equal(expected ? full : session.LastResult.Text, session.Conversation.Messages[^1].Text);
        }
    }

    [Fact]
    public async Task Send_Refused_LeavesTheConversationAndItsPicturesWait()
    {
        var session = Session();
        session.AddImage(TinyModel.Picture("wide"));

        await Assert.ThrowsAsync<ImageCountException>(() => SayAsync(session, "<image> <image>?"));
        await Assert.ThrowsAsync<ContextLengthException>(() => SayAsync(session, string.Concat(Enumerable.Repeat("word ", 3000))));

        Assert.Empty(session.Conversation.Messages);
        Assert.Single(session.PendingImages);
        await SayAsync(session, "What?");
        Assert.Equal(2, session.Conversation.Messages.Count);
    }

    [Fact]
    public async Task Send_Cancelled_KeepsWhatCameUntilThen()
    {
        var session = Session(options: TinyModel.Greedy with { MaxNewTokens = 1500 });
        using var cancellation = new CancellationTokenSource();
        var shown = "";

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var piece in session.SendAsync("What?", [TinyModel.Picture("wide")], cancellation.Token))
            {
                shown += piece;
                if (shown.Trim().Length > 3)
                    cancellation.Cancel();
            }
        });

        Assert.Equal(2, session.Conversation.Messages.Count);
        Assert.Equal(shown.Trim(), session.Conversation.Messages[^1].Text);
        Assert.Single(session.Images);
        Assert.Null(session.LastResult);
    }

    [Fact]
    public async Task Send_CancelledBeforeTheFirstToken_LeavesNoTrace()
    {
        var session = Session();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in session.SendAsync("What?", [], new CancellationToken(canceled: true)))
            {
            }
        });

        Assert.Empty(session.Conversation.Messages);
    }

    [Fact]
    public async Task Reset_AfterATurn_ForgetsAll()
    {
        var session = Session();
        await SayAsync(session, "What?", TinyModel.Picture("wide"));

        session.Reset();

        Assert.Empty(session.Conversation.Messages);
        Assert.Empty(session.Images);
        Assert.Null(session.LastResult);
    }

    [Fact]
    public async Task Save_TwoPictures_IsASampleOfLlavasFormat()
    {
        using var folder = new TemporaryFolder();
        var session = Session();
        await SayAsync(session, "What?", TinyModel.Picture("wide"));
        await SayAsync(session, "And?", TinyModel.Picture("tall"));

        session.Save(folder.At("talk.json"));

        var sample = Assert.Single(JsonDocument.Parse(File.ReadAllBytes(folder.At("talk.json"))).RootElement.EnumerateArray());
        Assert.Equal("talk", sample.GetProperty("id").GetString());
        Assert.Equal(["talk-1.png", "talk-2.png"], sample.GetProperty("image").EnumerateArray().Select(name => name.GetString()!));
        Assert.Equal(
            ["human", "gpt", "human", "gpt"], sample.GetProperty("conversations").EnumerateArray().Select(turn => turn.GetProperty("from").GetString()!));
        Assert.Equal("<image>\nWhat?", sample.GetProperty("conversations")[0].GetProperty("value").GetString());
        Assert.Equal(TinyModel.Picture("tall").ContentHash, Image.Load(folder.At("talk-2.png")).ContentHash);
        Assert.Equal(["talk-1.png", "talk-2.png", "talk.json"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order()!);
    }

    [Fact]
    public async Task Save_WhereNoFolderCanBe_IsATypedError()
    {
        using var folder = new TemporaryFolder();
        folder.Write("file", "not a folder");
        var session = Session();
        await SayAsync(session, "What?", TinyModel.Picture("wide"));

        Assert.ThrowsAny<LlavaException>(() => session.Save(folder.At("file", "talk.json")));
        Assert.ThrowsAny<LlavaException>(() => Session().Save(folder.At("file", "talk.json")));
        Assert.Throws<ImageException>(() => TinyModel.Picture("wide").Save(folder.At("file", "picture.png")));
    }

    private static Dictionary<string, System.Text.Json.Nodes.JsonNode?> Tower() =>
        new() { ["mm_vision_tower"] = TestFiles.Golden("checkpoints", "clip-vit-tiny-patch14-56") };
}
