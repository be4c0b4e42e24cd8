using LlavaSharp.Imaging;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Web;

namespace LlavaSharp.Serving.Tests.Web;

public class WebConversationTests
{
    [Fact]
    public async Task AddText_SeveralPictures_GoInFrontOrWhereTheirMarkersStand()
    {
        using var stage = new WebStage();
        await stage.AskAsync("Compare.", [WebStage.Picture(1), WebStage.Picture(2)]);
        var asked = Assert.Single(stage.Asked());
        Assert.Contains("USER: <image>\n<image>\nCompare. ASSISTANT:", asked["prompt"]!.GetValue<string>());
        Assert.Equal([1, 2], asked["images"]!.AsArray().Select(image => Image.FromBytes(Convert.FromBase64String(image!.GetValue<string>())).Rgb[0]));

        var state = await stage.AskAsync("Now <image> and that", [WebStage.Picture(3), WebStage.Picture(4)]);
        asked = Assert.Single(stage.Asked());
        Assert.EndsWith("USER: <image>\nNow <image> and that ASSISTANT:", asked["prompt"]!.GetValue<string>());
        Assert.Equal([1, 2, 3, 4], asked["images"]!.AsArray().Select(image => Image.FromBytes(Convert.FromBase64String(image!.GetValue<string>())).Rgb[0]));
        Assert.Equal(["Compare.", "Now  and that"], state.Turns.Select(turn => turn.Question));
        Assert.Equal([2, 2], state.Turns.Select(turn => turn.Pictures.Count));
    }

    [Theory]
    [InlineData(false, 2, "An answer</s>USER: <image>\nAnd this? ASSISTANT:")]
    [InlineData(true, 1, "questions. USER: <image>\nAnd this? ASSISTANT:")]
    public async Task AddText_PictureLater_BeginsAnewOnlyByTheOriginalsRule(bool onePicture, int turns, string prompt)
    {
        using var stage = new WebStage(options => options with { Quirks = new() { OnePicture = onePicture } });
        await stage.AskAsync("Hello");
        stage.Asked();
        var state = await stage.AskAsync("And this?", [WebStage.Picture(1)]);
        Assert.Equal(turns, state.Turns.Count);
        Assert.EndsWith(prompt, Assert.Single(stage.Asked())["prompt"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(false, "USER: a <image> b ASSISTANT:")]
    [InlineData(true, "USER: <image>\na  b ASSISTANT:")]
    public async Task AddText_MarkerInTheText_StaysInItsPlace(bool onePicture, string prompt)
    {
        using var stage = new WebStage(options => options with { Quirks = new() { OnePicture = onePicture } });
        await stage.AskAsync("a <image> b", [WebStage.Picture(1)]);
        Assert.EndsWith(prompt, Assert.Single(stage.Asked())["prompt"]!.GetValue<string>());
    }

    [Fact]
    public async Task AddText_MoreMarkersThanPictures_IsRefusedAndTheTextStays()
    {
        using var stage = new WebStage();
        foreach (var pictures in new WebPicture[][] { [], [WebStage.Picture(1)] })
        {
            var state = await stage.Conversation.AddTextAsync("<image> <image>", pictures, cancellation: WebStage.Cancellation);
            Assert.Equal(WebFailureKind.MarkerWithoutPicture, state.Failure!.Kind);
            Assert.Null(state.TextBox);
            Assert.False(state.ClearsPictures);
            Assert.Empty(state.Turns);
            Assert.True((await stage.AnswerAsync()).HasNothingToAnswer);
        }
        Assert.Empty(stage.Asked());
    }

    [Fact]
    public async Task AddText_PictureThatCannotBeMadeFit_IsRefused()
    {
        using var stage = new WebStage();
        var state = await stage.Conversation.AddTextAsync("x", [WebStage.Picture(1, 1, 1400)], cancellation: WebStage.Cancellation);
        Assert.Equal(WebFailureKind.PictureUnreadable, state.Failure!.Kind);
        Assert.Equal(WebFailureKind.PictureUnreadable, stage.Conversation.Refuse(Assert.Throws<ImageException>(() => WebPicture.Read("nothing"u8, "a.png"))).Failure!.Kind);
        Assert.Empty(stage.Conversation.State.Turns);
    }

    [Fact]
    public async Task AddText_TooLong_IsCutAtWholeCharactersAndSaysHowMany()
    {
        using var stage = new WebStage();
        var state = await stage.Conversation.AddTextAsync(string.Concat(Enumerable.Repeat("\U0001F999", 1540)), cancellation: WebStage.Cancellation);
        Assert.Equal(4, state.CharactersCutOff);
        Assert.Equal(2 * 1536, state.Turns[0].Question.Length);
        state = await stage.Conversation.AddTextAsync(new string('x', 1201), [WebStage.Picture(1)], cancellation: WebStage.Cancellation);
        Assert.Equal(1, state.CharactersCutOff);
    }

    [Fact]
    public async Task AddText_UnknownMode_IsTold()
    {
        using var stage = new WebStage();
        await Assert.ThrowsAsync<UnknownNameException>(() => stage.Conversation.AddTextAsync("x", null, "pad", WebStage.Cancellation));
        Assert.Throws<UnknownNameException>(() => stage.Conversation.Regenerate("pad"));
    }

    [Fact]
    public async Task Edit_EarlierMessage_ForgetsWhatCameAfterAndKeepsItsPictures()
    {
        using var stage = new WebStage();
        await stage.AskAsync("First", [WebStage.Picture(1)]);
        await stage.AskAsync("Second");
        await stage.AskAsync("Third");
        stage.Asked();
        var state = await stage.Conversation.EditAsync(1, "Other", cancellation: WebStage.Cancellation);
        Assert.Equal(["First", "Other"], state.Turns.Select(turn => turn.Question));
        Assert.Null(state.Turns[1].Answer);
        await stage.AnswerAsync();
        Assert.EndsWith("USER: <image>\nFirst ASSISTANT: An answer</s>USER: Other ASSISTANT:", Assert.Single(stage.Asked())["prompt"]!.GetValue<string>());

        await stage.Conversation.EditAsync(0, "Begin", cancellation: WebStage.Cancellation);
        await stage.AnswerAsync();
        var asked = Assert.Single(stage.Asked());
        Assert.EndsWith("USER: <image>\nBegin ASSISTANT:", asked["prompt"]!.GetValue<string>());
        Assert.Single(asked["images"]!.AsArray());
        await stage.Conversation.EditAsync(0, "Begin", [], cancellation: WebStage.Cancellation);
        Assert.Empty(stage.Conversation.State.Turns[0].Pictures);
    }

    [Fact]
    public async Task Edit_NoSuchTurnOrNothing_LeavesTheConversation()
    {
        using var stage = new WebStage();
        await stage.AskAsync("First");
        foreach (var number in new[] { -1, 1, int.MaxValue })
            Assert.Equal(WebFailureKind.NoSuchTurn, (await stage.Conversation.EditAsync(number, "x", cancellation: WebStage.Cancellation)).Failure!.Kind);
        Assert.Equal(WebFailureKind.EmptyMessage, (await stage.Conversation.EditAsync(0, "", cancellation: WebStage.Cancellation)).Failure!.Kind);
        Assert.Equal("An answer", Assert.Single(stage.Conversation.State.Turns).Answer);
    }

    [Fact]
    public void RegenerateOrVote_NothingSaidYet_IsRefused()
    {
        using var stage = new WebStage();
        Assert.Equal(WebFailureKind.NoSuchTurn, stage.Conversation.Regenerate().Failure!.Kind);
        Assert.Equal(WebFailureKind.NoSuchTurn, stage.Conversation.Vote(WebVote.Up, "m").Failure!.Kind);
        Assert.Empty(stage.Records);
    }

    [Fact]
    public async Task Vote_IsKeptWithItsTurn()
    {
        using var stage = new WebStage();
        await stage.AskAsync("First");
        stage.Conversation.Vote(WebVote.Down, "m");
        var state = await stage.AskAsync("Second");
        Assert.Equal([WebVote.Down, null], state.Turns.Select(turn => turn.Vote));
        Assert.Contains("\"type\": \"downvote\", \"model\": \"m\"", stage.Records[1]);
    }

    [Theory]
    [InlineData(false, "USER: First ASSISTANT:USER: Second ASSISTANT:")]
    [InlineData(true, "USER: First ASSISTANT: **NETWORK ERROR DUE TO HIGH TRAFFIC. PLEASE REGENERATE OR REFRESH THIS PAGE.**</s>USER: Second ASSISTANT:")]
    public async Task Answer_AfterAFailure_TheModelIsNotToldThatItSaidSo(bool failuresAreAnswers, string prompt)
    {
        using var stage = new WebStage(options => options with { Quirks = new() { FailuresAreAnswers = failuresAreAnswers } });
        var worker = stage.Worker;
        stage.Worker = _ => new MemoryStream("oops\0"u8.ToArray());
        await stage.AskAsync("First");
        stage.Worker = worker;
        stage.Asked();
        await stage.AskAsync("Second");
        Assert.EndsWith(prompt, Assert.Single(stage.Asked())["prompt"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(false, "[INST] First [/INST] An answer </s>[INST] Second [/INST]")]
    [InlineData(true, "USER: First ASSISTANT: An answer</s>USER: Second ASSISTANT:")]
    public async Task Answer_AnotherModel_GetsItsOwnTemplate(bool firstTemplateStays, string prompt)
    {
        using var stage = new WebStage(options => options with { Quirks = new() { FirstTemplateStays = firstTemplateStays } });
        await stage.AskAsync("First");
        stage.Asked();
        var state = await stage.AskAsync("Second", model: "llava-v1.6-mistral-7b");
        Assert.EndsWith(prompt, Assert.Single(stage.Asked())["prompt"]!.GetValue<string>());
        Assert.Equal(["llava-v1.5-7b", "llava-v1.6-mistral-7b"], state.Turns.Select(turn => turn.Model));
    }

    [Fact]
    public async Task Answer_ThatNamesTheMarker_BringsNoPictureIntoTheNextPrompt()
    {
        using var stage = new WebStage();
        stage.Worker = prompt => WebStage.Frames(prompt, "I write <image> here");
        var state = await stage.AskAsync("First");
        Assert.Equal("I write <image> here", state.Turns[0].Answer);
        stage.Asked();
        await stage.AskAsync("Second");
        Assert.DoesNotContain("<image>", Assert.Single(stage.Asked())["prompt"]!.GetValue<string>());
    }

    [Fact]
    public async Task Answer_TooLong_KeepsTheWorkersWordsAndSaysWhy()
    {
        using var stage = new WebStage();
        stage.Worker = prompt => WebStage.Frames(prompt, "Exceeds max token length. Please start a new conversation, thanks.");
        var state = await stage.AskAsync("First");
        Assert.Equal(WebFailureKind.TooLong, state.Failure!.Kind);
        Assert.Equal("Exceeds max token length. Please start a new conversation, thanks.", state.Turns[0].Answer);
        Assert.Equal(WebButtons.Enabled, state.Buttons);
        Assert.Contains("Exceeds max token length", Assert.Single(stage.Records));
    }

    [Fact]
    public async Task Answer_EmptyStream_IsAnEmptyAnswer()
    {
        using var stage = new WebStage();
        stage.Worker = _ => new MemoryStream();
        var state = await stage.AskAsync("First");
        Assert.Null(state.Failure);
        Assert.Equal("", state.Turns[0].Answer);
        Assert.Contains("[\"ASSISTANT\", \"\"]", Assert.Single(stage.Records));
    }

    [Theory]
    [InlineData(double.NaN, 0.7, 10)]
    [InlineData(0, double.PositiveInfinity, 10)]
    [InlineData(0, 0.7, double.NaN)]
    public void Answer_NumberThatIsNone_IsTold(double temperature, double topP, double tokens)
    {
        using var stage = new WebStage();
        Assert.Throws<ArgumentOutOfRangeException>(() => stage.Conversation.AnswerAsync(new("m") { Temperature = temperature, TopP = topP, MaxNewTokens = tokens }, WebStage.Cancellation));
    }

    [Theory]
    [InlineData(7.9, 7)]
    [InlineData(5000, 1536)]
    [InlineData(-3.5, -3)]
    [InlineData(-1e300, int.MinValue)]
    public async Task Answer_NumberOfTokens_IsCutToAWholeNumber(double wanted, int sent)
    {
        using var stage = new WebStage();
        await stage.Conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
        await foreach (var _ in stage.Conversation.AnswerAsync(new("m") { MaxNewTokens = wanted }, WebStage.Cancellation))
            continue;
        Assert.Equal(sent, Assert.Single(stage.Asked())["max_new_tokens"]!.GetValue<int>());
    }

    [Fact]
    public async Task GetConversation_IsACopy()
    {
        using var stage = new WebStage();
        await stage.AskAsync("First");
        stage.Conversation.GetConversation().Append("USER", "x");
        Assert.Equal(2, stage.Conversation.GetConversation().Messages.Count);
        Assert.Equal(ConversationTemplates.Get("llava_v1").System, stage.Conversation.GetConversation().System);
    }

    [Fact]
    public async Task Record_TextsBeyondAscii_AreEscapedAsByPython()
    {
        using var stage = new WebStage(options => options with { Clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new(2024, 5, 2, 0, 0, 0, TimeSpan.Zero)) });
        stage.Worker = prompt => WebStage.Frames(prompt, "\U0001F999 \"é\"\n\u007f");
        await stage.AskAsync("请", [WebStage.Picture(7)]);
        Assert.StartsWith("{\"tstamp\": 1714608000.0, \"type\": \"chat\", \"model\": \"llava-v1.5-7b\", \"start\": 1714608000.0, \"finish\": 1714608000.0, \"state\": {\"system\": ", Assert.Single(stage.Records));
        Assert.Contains("[[\"USER\", \"\\u8bf7\\n<image>\"], [\"ASSISTANT\", \"\\ud83e\\udd99 \\\"\\u00e9\\\"\\n\\u007f\"]]", stage.Records[0]);
        var picture = Assert.Single(Directory.EnumerateFiles(Path.Combine(stage.Folder, "serve_images", "2024-05-02")));
        Assert.Equal((6, 4), Image.Load(picture).Size);
        Assert.Contains($"\"images\": [\"{Path.GetFileNameWithoutExtension(picture)}\"]", stage.Records[0]);
    }

    [Theory]
    [InlineData(WebModelListMode.Once, null, null, 1)]
    [InlineData(WebModelListMode.Once, "b", "b", 1)]
    [InlineData(WebModelListMode.Reload, null, "a", 2)]
    [InlineData(WebModelListMode.Reload, "b", "b", 2)]
    public async Task Load_GivesModelsAndSelection(WebModelListMode mode, string? wanted, string? selected, int fetched)
    {
        using var stage = new WebStage(options => options with { ModelListMode = mode });
        var asked = 0;
        var controller = stage.Controller!;
        stage.Controller = path =>
        {
            asked += path == "/list_models" ? 1 : 0;
            return controller(path);
        };
        await stage.AskAsync("First");
        await stage.Conversation.LoadAsync(wanted, WebStage.Cancellation);
        var load = await stage.Conversation.LoadAsync(wanted, WebStage.Cancellation);
        Assert.Equal(["a", "b"], load.Models);
        Assert.Equal(selected, load.Selected);
        Assert.Equal(fetched, asked);
        Assert.Empty(load.State.Turns);
        Assert.Null(load.Failure);
    }
}
