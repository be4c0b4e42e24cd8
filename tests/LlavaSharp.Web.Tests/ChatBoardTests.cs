using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Serving;
using LlavaSharp.Serving.Web;
using LlavaSharp.Web.Chat;

namespace LlavaSharp.Web.Tests;

public sealed class ChatBoardTests(PageStage stage) : IClassFixture<PageStage>, IDisposable
{
    private readonly WebConversations _server = PageStage.Conversations(stage.ControllerAddress);

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Send_Message_IsAnsweredAndTheDraftIsEmptied()
    {
        using var board = await OpenAsync();
        await board.AddPictureAsync(PageStage.Png(7), "seven.png");
        board.Draft = "hello";
        await board.SendAsync();
        var turn = Assert.Single(board.Lanes[0].State.Turns);
        Assert.EndsWith("to: <image>\nhello", turn.AnswerText, StringComparison.Ordinal);
        Assert.Equal(("", 0, 1), (board.Draft, board.Pictures.Count, stage.Backend.Pictures));
        Assert.True(board.Lanes[0] is { CanUpvote: true, CanRegenerate: true, CanClear: true, IsAnswering: false });
        board.Vote(board.Lanes[0], WebVote.Up);
        Assert.True(board.Lanes[0] is { CanUpvote: false, CanFlag: false, CanRegenerate: true });
    }

    [Fact]
    public async Task Send_NothingOrABrokenPicture_SaysSo()
    {
        using var board = await OpenAsync();
        await board.SendAsync();
        Assert.Equal(WebFailureKind.EmptyMessage, board.Notice!.Kind);
        Assert.False(await board.AddPictureAsync([1, 2, 3], "no picture.png"));
        Assert.Equal(WebFailureKind.PictureUnreadable, board.Notice!.Kind);
        Assert.Empty(board.Pictures);
        for (var i = 0; i < ChatBoard.MostPictures; i++)
            Assert.True(await board.AddPictureAsync(PageStage.Png((byte)i), "a.png"));
        Assert.False(await board.AddPictureAsync(PageStage.Png(1), "a.png"));
    }

    [Fact]
    public async Task SetComparing_Conversation_IsContinuedByBothModels()
    {
        using var board = await OpenAsync();
        board.Draft = "one";
        await board.SendAsync();
        board.SetComparing(true);
        Assert.Equal([PageStage.FirstModel, PageStage.SecondModel], board.Lanes.Select(lane => lane.Model));
        Assert.Equal(board.Lanes[0].State.Turns[0].Answer, board.Lanes[1].State.Turns[0].Answer);
        board.Draft = "two";
        await board.SendAsync();
        Assert.All(board.Lanes, lane => Assert.EndsWith("to: two", lane.State.Turns[1].Answer, StringComparison.Ordinal));
        await board.EditAsync(0, "three");
        Assert.All(board.Lanes, lane => Assert.EndsWith("to: three", Assert.Single(lane.State.Turns).Answer, StringComparison.Ordinal));
        board.SetComparing(false);
        Assert.Single(board.Lanes);
    }

    [Fact]
    public async Task Regenerate_Answer_IsAnotherOne()
    {
        using var board = await OpenAsync();
        board.Draft = "again";
        await board.SendAsync();
        var first = board.Lanes[0].State.Turns[0].Answer;
        await board.RegenerateAsync(board.Lanes[0]);
        Assert.NotEqual(first, board.Lanes[0].State.Turns[0].Answer);
        board.Clear();
        Assert.True(board.IsEmpty);
    }

    [Fact]
    public async Task Save_Restored_IsTheSameConversationAndSendsTheSamePixels()
    {
        using var board = await OpenAsync();
        await board.AddPictureAsync(PageStage.Png(9, 50, 20), "nine.png");
        (board.Draft, board.ImageProcessMode) = ("look", "Pad");
        await board.SendAsync();
        board.Draft = "and now?";
        await board.SendAsync();
        var saved = board.Save(DateTimeOffset.UnixEpoch)!;
        Assert.Equal("look", saved.Title);
        var read = SavedConversation.Read(Wrap(saved));

        using var other = await OpenAsync();
        other.Restore(read);
        Assert.Equal(board.Id, other.Id);
        Assert.Equal(board.Lanes[0].State.Turns.Select(turn => (turn.Question, turn.Answer)), other.Lanes[0].State.Turns.Select(turn => (turn.Question, turn.Answer)));
        Assert.True(other.Lanes[0].CanRegenerate);
        Assert.Equal(board.Lanes[0].Conversation.Save().Select(turn => turn.Text), other.Lanes[0].Conversation.Save().Select(turn => turn.Text));
        Assert.Equal(saved.Pictures(), other.Save(DateTimeOffset.UnixEpoch)!.Pictures());
        other.Draft = "more";
        await other.SendAsync();
        Assert.Equal((3, 1), (other.Lanes[0].State.Turns.Count, stage.Backend.Pictures));
    }

    [Fact]
    public async Task Read_ChangedBytes_IsRefusedOrReadAndNeverMore()
    {
        using var board = await OpenAsync();
        await board.AddPictureAsync(PageStage.Png(3, 8, 8), "a.png");
        board.Draft = "fuzz";
        await board.SendAsync();
        var json = Wrap(board.Save(DateTimeOffset.UnixEpoch)!);
        var random = new Random(11);
        for (var round = 0; round < 3000; round++)
        {
            var changed = json.ToArray();
            for (var i = random.Next(1, 6); i > 0; i--)
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                changed = changed[..random.Next(changed.Length)];
            try
            {
                using var other = new ChatBoard(_server, "192.0.2.1");
                other.Restore(SavedConversation.Read(changed));
                Assert.InRange(other.Lanes.Count, 1, 2);
            }
            catch (ServingException)
            {
                // said
            }
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"conversation\":{\"version\":2}}")]
    [InlineData("{\"conversation\":{\"version\":1,\"id\":\"a\",\"time\":0,\"lanes\":[]}}")]
    [InlineData("{\"conversation\":{\"version\":1,\"id\":\"a\",\"time\":9e99,\"lanes\":[]}}")]
    [InlineData("{\"conversation\":{\"version\":1,\"id\":\"a\",\"time\":0,\"lanes\":[{\"model\":\"m\",\"turns\":[{\"text\":\"a\",\"announced\":false,\"answer\":null,\"model\":null,\"pictures\":[\"x\"]}]}]},\"pictures\":{}}")]
    [InlineData("{\"conversation\":{\"version\":1,\"id\":\"a\",\"time\":0,\"lanes\":[{\"model\":\"m\",\"turns\":[{\"text\":\"a\",\"announced\":false,\"answer\":null,\"model\":null,\"pictures\":[\"x\"]}]}]},\"pictures\":{\"x\":\"https://example.org/\"}}")]
    public void Read_Other_IsRefused(string json) => Assert.Throws<ServingException>(() => SavedConversation.Read(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("<image> two", false)]
    [InlineData("no marker", true)]
    public void Restore_TurnsThatCannotBe_LeavesAllAsItIs(string text, bool isAnnounced)
    {
        using var board = new ChatBoard(_server, "192.0.2.1");
        Assert.Throws<ServingException>(() => board.Restore(new("a", DateTimeOffset.UnixEpoch, [new("m", [new(text, [], "Default", isAnnounced, "b", "m")])])));
        Assert.True(board.IsEmpty);
    }

    private async Task<ChatBoard> OpenAsync()
    {
        var board = new ChatBoard(_server, "192.0.2.1");
        await board.LoadAsync(null);
        return board;
    }

    private static byte[] Wrap(SavedConversation saved) => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["conversation"] = JsonNode.Parse(saved.ToJson()),
        ["pictures"] = new JsonObject(saved.Pictures().Select(picture => KeyValuePair.Create(picture.Key, (JsonNode?)picture.Value))),
    }.ToJsonString());
}
