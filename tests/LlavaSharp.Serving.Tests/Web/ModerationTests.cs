using System.Net;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Web;

namespace LlavaSharp.Serving.Tests.Web;

public class ModerationTests
{
    [Fact]
    public async Task Check_TextWithQuotationMarksAndLines_ArrivesAsItIs()
    {
        using var stage = Stage();
        const string text = "say \"hi\"\\\r\n\tthere 请";
        string? received = null;
        stage.ModerationService = body =>
        {
            received = JsonNode.Parse(body)!["input"]!.GetValue<string>();
            return WebStage.Reply("{\"results\":[{\"flagged\":true}]}");
        };
        Assert.Equal(new ModerationResult(true), await stage.Server.Moderation.CheckAsync(text, WebStage.Cancellation));
        Assert.Equal(text, received);
    }

    [Fact]
    public async Task Check_ServiceFails_ObjectsToNothingAndSaysWhy()
    {
        using var stage = Stage();
        foreach (var reply in new[] { "", "null", "[]", "{", "{\"results\":5}", "{\"results\":[]}", "{\"results\":[null]}", "{\"results\":[{\"flagged\":\"yes\"}]}", "{\"results\":[],\"results\":[]}", "\0\u00ff" })
        {
            stage.ModerationService = _ => WebStage.Reply(reply, HttpStatusCode.TooManyRequests);
            var result = await stage.Server.Moderation.CheckAsync("x", WebStage.Cancellation);
            Assert.False(result.IsFlagged);
            Assert.Contains("429", result.Problem);
        }
        stage.ModerationService = _ => throw new HttpRequestException("no network");
        Assert.Contains("no network", (await stage.Server.Moderation.CheckAsync("x", WebStage.Cancellation)).Problem);
    }

    [Fact]
    public async Task AddText_Flagged_IsNotTaken()
    {
        using var stage = Stage();
        await stage.AskAsync("good");
        stage.ModerationService = _ => WebStage.Reply("{\"results\":[{\"flagged\":true}]}");
        stage.Asked();
        foreach (var state in new[]
        {
            await stage.Conversation.AddTextAsync("bad", cancellation: WebStage.Cancellation),
            await stage.Conversation.EditAsync(0, "bad", cancellation: WebStage.Cancellation),
        })
        {
            Assert.Equal(WebFailureKind.Moderation, state.Failure!.Kind);
            Assert.Equal(Moderation.RefusalText, state.TextBox);
            Assert.Equal("good", Assert.Single(state.Turns).Question);
        }
        Assert.True((await stage.AnswerAsync()).HasNothingToAnswer);
        Assert.Empty(stage.Asked());
    }

    private static WebStage Stage() => new(options => options with { Moderate = true, ModerationKey = "key" });
}
