using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Protocol;
using LlavaSharp.Serving.Web;
using Microsoft.Extensions.Time.Testing;

namespace LlavaSharp.Serving.Tests.Web;

public class WebFaultTests
{
    private const string ServerError = "**NETWORK ERROR DUE TO HIGH TRAFFIC. PLEASE REGENERATE OR REFRESH THIS PAGE.**";

    [Fact]
    public async Task Answer_LogFolderCannotBeWritten_GoesOnAndTellsOnce()
    {
        var file = Path.GetTempFileName();
        try
        {
            using var stage = new WebStage(options => options with { LogFolder = Path.Combine(file, "log") });
            for (var i = 0; i < 3; i++)
                Assert.Equal("An answer", (await stage.AskAsync("x", [WebStage.Picture(1)])).Turns[^1].Answer);
            Assert.NotNull(stage.Server.Log.Problem);
            Assert.Single(stage.Messages.Errors);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Answer_DiskIsFull_GoesOnAndRecordsAgainWhenThereIsRoom()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "Only where there is a device that is always full.");
        var clock = new FakeTimeProvider(new(2024, 5, 2, 12, 0, 0, TimeSpan.Zero));
        using var stage = new WebStage(options => options with { Clock = clock });
        Directory.CreateDirectory(stage.Folder);
        var path = Path.Combine(stage.Folder, "2024-05-02-conv.json");
        File.CreateSymbolicLink(path, "/dev/full");
        Assert.Equal("An answer", (await stage.AskAsync("x")).Turns[^1].Answer);
        Assert.NotNull(stage.Server.Log.Problem);
        File.Delete(path);
        await stage.AskAsync("y");
        Assert.Null(stage.Server.Log.Problem);
        Assert.Single(stage.Records);
    }

    [Fact]
    public async Task Answer_ManyAtOnce_EachRecordIsALine()
    {
        using var stage = new WebStage();
        await Task.WhenAll(Enumerable.Range(0, 30).Select(async i =>
        {
            var conversation = stage.Server.Open($"192.0.2.{i}");
            await conversation.AddTextAsync(new string('x', 20 * i), [WebStage.Picture((byte)(i % 2))], cancellation: WebStage.Cancellation);
            await foreach (var _ in conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation))
                continue;
        }));
        Assert.Equal(30, stage.Records.Length);
        Assert.All(stage.Records, line => ProtocolJson.Object(Encoding.UTF8.GetBytes(line)));
        Assert.Null(stage.Server.Log.Problem);
        Assert.Equal(2, Directory.EnumerateFiles(Path.Combine(stage.Folder, "serve_images"), "*", SearchOption.AllDirectories).Count());
    }

    [Fact]
    public async Task Answer_ControllerGoneOrNone_SaysWhich()
    {
        using var stage = new WebStage();
        stage.Controller = null;
        var state = await stage.AskAsync("x");
        Check("cannot be reached");
        foreach (var reply in new[] { "<html>", "[]", "{}", "{\"address\":5}", "{\"address\":\"\\ud800\"}" })
        {
            stage.Controller = _ => WebStage.Reply(reply);
            stage.Conversation.Regenerate();
            state = await stage.AnswerAsync();
            Check("no controller");
        }
        stage.Controller = _ => WebStage.Reply("{}", HttpStatusCode.BadGateway);
        stage.Conversation.Regenerate();
        state = await stage.AnswerAsync();
        Check("502");

        void Check(string said)
        {
            Assert.Equal(WebFailureKind.NoController, state.Failure!.Kind);
            Assert.Contains(said, state.Failure.Message);
            Assert.Contains("--controller-url", state.Failure.Message);
            Assert.Equal(ServerError, state.Turns[0].Answer);
            Assert.Equal(WebButtons.Failed, state.Buttons);
            Assert.Equal(state.Failure, state.Turns[0].Failure);
        }
    }

    [Fact]
    public async Task Models_ControllerGone_KeepsTheListAndSaysWhy()
    {
        using var stage = new WebStage(options => options with { ModelListMode = WebModelListMode.Reload });
        Assert.Null(await stage.Server.Models.RefreshAsync(WebStage.Cancellation));
        foreach (var reply in new[] { null, "null", "{\"models\":[5]}", "{\"models\":{}}", "\0" })
        {
            stage.Controller = reply is null ? null : _ => WebStage.Reply(reply);
            var load = await stage.Conversation.LoadAsync(cancellation: WebStage.Cancellation);
            Assert.Equal(WebFailureKind.NoController, load.Failure!.Kind);
            Assert.Equal(["a", "b"], load.Models);
        }
    }

    [Fact]
    public async Task Answer_NoWorkerForTheModel_SaysSo()
    {
        using var stage = new WebStage();
        stage.Controller = _ => WebStage.Reply("{\"address\":\"\"}");
        var state = await stage.AskAsync("x", model: "nobody");
        Assert.Equal(WebFailureKind.NoWorker, state.Failure!.Kind);
        Assert.Contains("'nobody'", state.Failure.Message);
        Assert.Equal(ServerError, state.Turns[0].Answer);
    }

    [Theory]
    [InlineData("ftp://x")]
    [InlineData("nonsense")]
    public async Task Answer_AddressIsNone_IsAFailure(string address)
    {
        using var stage = new WebStage();
        stage.Controller = _ => WebStage.Reply($"{{\"address\":\"{address}\"}}");
        Assert.Equal(WebFailureKind.WorkerUnreachable, (await stage.AskAsync("x")).Failure!.Kind);
    }

    [Fact]
    public async Task Answer_WorkerDiesInTheMiddle_SaysSoAndKeepsWhatCame()
    {
        using var stage = new WebStage();
        var pipe = stage.Pipe();
        await stage.Conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
        WebState? last = null;
        await foreach (var state in stage.Conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation))
        {
            if (last is null)
                await pipe.Writer.WriteAsync(Frame(stage, "half"), WebStage.Cancellation);
            else if (state.Turns[0].IsBeingWritten)
                await pipe.Writer.CompleteAsync(new IOException("connection reset"));
            last = state;
        }
        Assert.Equal(WebFailureKind.WorkerUnreachable, last!.Failure!.Kind);
        Assert.Equal(ServerError, last.Turns[0].Answer);
        Assert.Equal("half", last.Turns[0].PartialAnswer);
        Assert.Empty(stage.Records);
        Assert.False(stage.Conversation.IsAnswering);
    }

    [Fact]
    public async Task Answer_WorkersConnectionBreaks_SaysSoAndKeepsWhatCame()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = Task.Run(() => ServeAsync(listener), WebStage.Cancellation);
        using var server = new WebConversations(new() { ControllerUrl = $"http://{listener.LocalEndpoint}", LogFolder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()) });
        var conversation = server.Open("192.0.2.1");
        await conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
        await foreach (var _ in conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation))
            continue;
        await serving;
        var turn = Assert.Single(conversation.State.Turns);
        Assert.Equal(WebFailureKind.WorkerUnreachable, turn.Failure!.Kind);
        Assert.Equal("half", turn.PartialAnswer);
        Assert.Equal(ServerError, turn.Answer);
        Assert.False(Directory.Exists(server.Options.LogFolder));

        // a controller that names itself as the worker, and falls over in the middle of its answer
        static async Task ServeAsync(TcpListener listener)
        {
            var address = $"{{\"address\":\"http://{listener.LocalEndpoint}\"}}";
            await AnswerAsync(listener, _ => $"HTTP/1.1 200 OK\r\nContent-Length: {address.Length}\r\nConnection: close\r\n\r\n{address}");
            await AnswerAsync(listener, body =>
            {
                var prompt = JsonNode.Parse(body)!["prompt"]!.GetValue<string>();
                var frame = Encoding.UTF8.GetString(new StreamFrame(prompt + "half", 0).ToBytes());
                return $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{frame.Length:x}\r\n{frame}\r\n";
            });
        }

        static async Task AnswerAsync(TcpListener listener, Func<string, string> reply)
        {
            using var client = await listener.AcceptTcpClientAsync(WebStage.Cancellation);
            await using var stream = client.GetStream();
            var buffer = new byte[1 << 16];
            var text = "";
            while (!text.Contains("\r\n\r\n{", StringComparison.Ordinal) || !text.EndsWith('}'))
                text += Encoding.UTF8.GetString(buffer, 0, await stream.ReadAsync(buffer, WebStage.Cancellation));
            await stream.WriteAsync(Encoding.UTF8.GetBytes(reply(text[text.IndexOf('{', StringComparison.Ordinal)..])), WebStage.Cancellation);
        }
    }

    [Fact]
    public async Task Answer_WorkerFallsSilent_SaysSo()
    {
        var clock = new FakeTimeProvider();
        using var stage = new WebStage(options => options with { Clock = clock });
        stage.Pipe();
        await stage.Conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
        WebState? last = null;
        await foreach (var state in stage.Conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation))
        {
            last = state;
            if (state.Turns[0].IsBeingWritten)
                _ = AdvanceAsync(stage, clock);
        }
        Assert.Equal(WebFailureKind.WorkerSilent, last!.Failure!.Kind);
        Assert.Contains("10 seconds", last.Failure.Message);
    }

    [Theory]
    [InlineData(1, WebFailureKind.WorkerError)]
    [InlineData(2, WebFailureKind.WorkerError)]
    [InlineData(-7, WebFailureKind.WorkerError)]
    public async Task Answer_ErrorFrame_EndsItWithTheWorkersWordsAndCode(int code, WebFailureKind kind)
    {
        using var stage = new WebStage();
        stage.Worker = _ => new MemoryStream([.. new StreamFrame("went wrong", code).ToBytes(), .. new StreamFrame("second", 3).ToBytes()]);
        var state = await stage.AskAsync("x");
        Assert.Equal(kind, state.Failure!.Kind);
        Assert.Equal(code, state.Failure.ErrorCode);
        Assert.Equal($"went wrong (error_code: {code})", state.Turns[0].Answer);
    }

    [Fact]
    public async Task Answer_GarbageFromTheWorker_NeverThrowsAndTheNextAnswerWorks()
    {
        using var stage = new WebStage();
        var random = new Random(3);
        string[] parts = ["{", "}", "\"text\"", ":", ",", "\"error_code\"", "0", "null", "1e999", "\"\\ud800\"", "\"x\"", "\0", "\u00ff", "[", "]", "{\"text\": \"\", \"error_code\": 0}", "{\"text\": 5, \"error_code\": 0}", "{\"text\": \"\", \"text\": \"\"}"];
        var good = stage.Worker;
        for (var i = 0; i < 400; i++)
        {
            var bytes = i % 2 == 0
                ? Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(15)).Select(_ => parts[random.Next(parts.Length)])))
                : [.. Enumerable.Range(0, random.Next(60)).Select(_ => (byte)random.Next(256))];
            stage.Worker = _ => new MemoryStream(bytes);
            stage.Conversation.Clear();
            var state = await stage.AskAsync("x");
            Assert.False(state.Turns[0].IsBeingWritten);
            Assert.True(state.Failure is null or { Kind: WebFailureKind.WorkerGarbled or WebFailureKind.WorkerError }, Convert.ToHexString(bytes));
            Assert.DoesNotContain("   at ", state.Failure?.Message ?? "");
        }
        stage.Worker = good;
        stage.Conversation.Clear();
        Assert.Equal("An answer", (await stage.AskAsync("x")).Turns[0].Answer);
    }

    [Fact]
    public async Task Stop_KeepsTheTextWithoutARecordAndTheConversationGoesOn()
    {
        using var stage = new WebStage();
        var good = stage.Worker;
        var pipe = stage.Pipe();
        await stage.Conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
        WebState? last = null;
        await foreach (var state in stage.Conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation))
        {
            if (last is null)
                await pipe.Writer.WriteAsync(Frame(stage, "half a"), WebStage.Cancellation);
            else if (state.Turns[0].IsBeingWritten)
            {
                Assert.True(stage.Conversation.IsAnswering);
                Assert.Equal(WebFailureKind.Busy, stage.Conversation.Clear().Failure!.Kind);
                Assert.Equal(WebFailureKind.Busy, stage.Conversation.Regenerate().Failure!.Kind);
                Assert.Equal(WebFailureKind.Busy, (await stage.Conversation.AddTextAsync("y", cancellation: WebStage.Cancellation)).Failure!.Kind);
                await foreach (var other in stage.Conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation))
                    Assert.Equal(WebFailureKind.Busy, other.Failure!.Kind);
                stage.Conversation.Stop();
            }
            last = state;
        }
        Assert.Equal(WebFailureKind.Stopped, last!.Failure!.Kind);
        Assert.Equal("half a", last.Turns[0].Answer);
        Assert.Equal(WebButtons.Enabled, last.Buttons);
        Assert.Empty(stage.Records);
        stage.Asked();
        stage.Worker = good;
        await stage.AskAsync("y");
        Assert.EndsWith("ASSISTANT: half a</s>USER: y ASSISTANT:", Assert.Single(stage.Asked())["prompt"]!.GetValue<string>());
        stage.Conversation.Stop();   // nothing runs
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_TabIsClosed_EndsTheWorkAndTidiesUp(bool cancelled)
    {
        using var stage = new WebStage();
        var pipe = stage.Pipe();
        await stage.Conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
        using var closing = CancellationTokenSource.CreateLinkedTokenSource(WebStage.Cancellation);
        async Task ReadAsync()
        {
            await foreach (var state in stage.Conversation.AnswerAsync(new("llava-v1"), closing.Token))
            {
                if (state.Turns[0].Answer == WebTurn.Cursor)
                    await pipe.Writer.WriteAsync(Frame(stage, "half"), WebStage.Cancellation);
                else if (!cancelled)
                    break;
                else
                    await closing.CancelAsync();
            }
        }

        if (cancelled)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(ReadAsync);
        else
            await ReadAsync();
        Assert.False(stage.Conversation.IsAnswering);
        var turn = Assert.Single(stage.Conversation.State.Turns);
        Assert.False(turn.IsBeingWritten);
        Assert.Equal("half", turn.Answer);
        Assert.Empty(stage.Records);
        // the worker's connection was given up
        var flush = await pipe.Writer.WriteAsync(new byte[1], WebStage.Cancellation);
        Assert.True(flush.IsCompleted);
    }

    [Fact]
    public async Task Answer_MoreThanAllowed_WaitsAndSaysHowManyAreAhead()
    {
        using var stage = new WebStage(options => options with { ConcurrencyCount = 1 });
        var pipe = stage.Pipe();
        await stage.Conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
        var first = stage.Conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation).GetAsyncEnumerator(WebStage.Cancellation);
        Assert.True(await first.MoveNextAsync());

        var second = stage.Server.Open("192.0.2.2");
        var third = stage.Server.Open("192.0.2.3");
        var secondWaits = await WaitAsync(second, 1);
        var thirdWaits = await WaitAsync(third, 2);
        third.Stop();
        Assert.True(await thirdWaits.MoveNextAsync());
        Assert.Equal(WebFailureKind.Stopped, thirdWaits.Current.Failure!.Kind);
        Assert.False(await thirdWaits.MoveNextAsync());
        await thirdWaits.DisposeAsync();

        stage.Worker = prompt => WebStage.Frames(prompt, "second");
        var next = secondWaits.MoveNextAsync();
        Assert.False(next.IsCompleted);
        await pipe.Writer.CompleteAsync();
        while (await first.MoveNextAsync())
            continue;
        await first.DisposeAsync();
        Assert.True(await next);
        while (await secondWaits.MoveNextAsync())
            continue;
        Assert.Equal("second", second.State.Turns[0].Answer);
        await secondWaits.DisposeAsync();

        async Task<IAsyncEnumerator<WebState>> WaitAsync(WebConversation conversation, int ahead)
        {
            await conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
            var states = conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation).GetAsyncEnumerator(WebStage.Cancellation);
            Assert.True(await states.MoveNextAsync());
            Assert.Equal(ahead, states.Current.AnswersAhead);
            return states;
        }
    }

    [Fact]
    public async Task Answer_FasterThanItCanBeShown_SkipsStatesButNotTheLast()
    {
        using var stage = new WebStage(options => options with { StateInterval = TimeSpan.FromMilliseconds(20) });
        stage.Worker = prompt => WebStage.Frames(prompt, [.. Enumerable.Range(1, 3000).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture))]);
        await stage.Conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
        var states = new List<WebState>();
        await foreach (var state in stage.Conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation))
            states.Add(state);
        Assert.InRange(states.Count, 2, 500);
        Assert.Equal("3000", states[^1].Turns[0].Answer);
        Assert.Equal(2999, states[^1].Statistics!.Tokens);
    }

    [Fact]
    public async Task Answer_Statistics_CountTokensAndTime()
    {
        var clock = new FakeTimeProvider();
        using var stage = new WebStage(options => options with { Clock = clock });
        var pipe = stage.Pipe();
        await stage.Conversation.AddTextAsync("x", cancellation: WebStage.Cancellation);
        WebStatistics? last = null;
        var sent = 0;
        await foreach (var state in stage.Conversation.AnswerAsync(new("llava-v1"), WebStage.Cancellation))
        {
            last = state.Statistics;
            if (!state.Turns[0].IsBeingWritten)
                continue;
            // 2 s for the prompt, then 4 tokens in 3 times 0.5 s, and the last frame
            if (sent < 5)
            {
                clock.Advance(TimeSpan.FromSeconds(sent == 0 ? 2 : sent == 4 ? 0 : 0.5));
                await pipe.Writer.WriteAsync(Frame(stage, new string('a', Math.Min(++sent, 4))), WebStage.Cancellation);
            }
            else
                await pipe.Writer.CompleteAsync();
        }
        Assert.Equal(new(4, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3.5), 2), last);
    }

    [Fact]
    public void Options_ThatCannotWork_AreTold()
    {
        Assert.Contains("--controller-url", Assert.Throws<ServingException>(() => new WebStage(options => options with { ControllerUrl = "localhost" })).Message);
        Assert.Contains("--concurrency-count", Assert.Throws<ServingException>(() => new WebStage(options => options with { ConcurrencyCount = 0 })).Message);
        Assert.Contains("OPENAI_API_KEY", Assert.Throws<ServingException>(() => new WebStage(options => options with { Moderate = true, ModerationKey = "" })).Message);
    }

    private static byte[] Frame(WebStage stage, string text)
    {
        var conversation = stage.Conversation.GetConversation();
        conversation.Messages[^1] = conversation.Messages[^1] with { Text = null };
        return new StreamFrame(conversation.GetPrompt() + text, 0).ToBytes();
    }

    private static async Task AdvanceAsync(WebStage stage, FakeTimeProvider clock)
    {
        while (stage.Conversation.IsAnswering)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(2, WebStage.Cancellation);
        }
    }
}
