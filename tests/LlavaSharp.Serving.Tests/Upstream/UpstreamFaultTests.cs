using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Upstream;
using LlavaSharp.Serving.Workers;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.Tests.Upstream;

public class UpstreamFaultTests
{
    private const string Request = "{\"prompt\":\"p\",\"stop\":\"s\"}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answer_TextOnly_IsACompletionOfThePromptAsItIs()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        var frames = await AskAsync(upstream, "{\"prompt\":\"any <|im_start|> text\",\"stop\":\"###\",\"temperature\":0.5,\"top_p\":0.25,\"max_new_tokens\":5000}", options => options with { Key = "sk-1" });
        Assert.Equal([("any <|im_start|> textHello", 0)], frames);
        Assert.Equal("/v1/completions", upstream.Asked.Path);
        Assert.Equal("Bearer sk-1", upstream.Asked.Authorization);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("{\"model\":\"big\",\"max_tokens\":1024,\"temperature\":0.5,\"top_p\":0.25,\"stop\":\"###\",\"prompt\":\"any <|im_start|> text\",\"stream\":true}"), JsonNode.Parse(upstream.Asked.Body)), upstream.Asked.Body);
        await AskAsync(upstream, "{\"prompt\":\"p\",\"temperature\":0.0005,\"stop\":\"\"}");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("{\"model\":\"big\",\"max_tokens\":256,\"temperature\":0,\"prompt\":\"p\",\"stream\":true}"), JsonNode.Parse(upstream.Asked.Body)), upstream.Asked.Body);
    }

    [Theory]
    [InlineData("chatml_direct", "Answer the questions.")]
    [InlineData("llava_llama_2", "You are a helpful language")]
    [InlineData("mistral_instruct", null)]
    public async Task Answer_WithPictures_IsAChatOfTheTemplatesMessages(string template, string? system)
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Answer = context => ScriptedUpstream.SendAsync(context, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n", "data: {\"choices\":[{\"delta\":{\"content\":\"Yes\"},\"finish_reason\":\"stop\"}]}\n\n", "data: {\"choices\":[],\"usage\":{}}\n\n");
        var conversation = ConversationTemplates.Get(template);
        conversation.Append(conversation.Roles[0], "<image>\n<image>\nAlike?");
        conversation.Append(conversation.Roles[1], "No.");
        conversation.Append(conversation.Roles[0], "Why?");
        conversation.Append(conversation.Roles[1], null);
        var picture = Convert.ToBase64String(Imaging.Image.FromRgb(2, 1, [1, 2, 3, 4, 5, 6]).EncodePng());
        var frames = await AskAsync(upstream, new JsonObject { ["prompt"] = conversation.GetPrompt(), ["images"] = new JsonArray(picture, picture) }.ToJsonString(), options => options with { Template = template });
        Assert.Equal([(conversation.GetPrompt() + "Yes", 0)], frames);
        Assert.Equal("/v1/chat/completions", upstream.Asked.Path);
        var messages = JsonNode.Parse(upstream.Asked.Body)!["messages"]!.AsArray().ToList();
        if (system is not null)
        {
            Assert.StartsWith(system, messages[0]!["content"]!.GetValue<string>());
            messages.RemoveAt(0);
        }
        Assert.Equal(["user", "assistant", "user"], messages.Select(message => message!["role"]!.GetValue<string>()));
        Assert.Equal(["image_url", "image_url", "text"], messages[0]!["content"]!.AsArray().Select(part => part!["type"]!.GetValue<string>()));
        Assert.Equal("data:image/png;base64," + picture, messages[0]!["content"]![1]!["image_url"]!["url"]!.GetValue<string>());
        Assert.Equal("Alike?", messages[0]!["content"]![2]!["text"]!.GetValue<string>());
        Assert.Equal(["No.", "Why?"], messages.Skip(1).Select(message => message!["content"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData(401, "{\"error\":{\"message\":\"Incorrect API key provided.\",\"code\":\"invalid_api_key\"}}", UpstreamProblem.Refused, "--upstream-key-file")]
    [InlineData(429, "{\"error\":{\"message\":\"Rate limit\"}}", UpstreamProblem.Refused, "too much to do")]
    [InlineData(500, "<html>oh\nno</html>", UpstreamProblem.Refused, "<html>oh no</html>")]
    [InlineData(302, "", UpstreamProblem.Refused, "302")]
    [InlineData(400, "{\"object\":\"error\",\"message\":\"wrong \\ud800\"}", UpstreamProblem.Refused, "wrong \\ud800")]
    [InlineData(400, "{\"object\":\"error\",\"message\":\"top_p must be in (0, 1]\"}", UpstreamProblem.Refused, "top_p must be")]
    [InlineData(400, "{\"error\":{\"message\":\"This model's maximum context length is 4096 tokens.\",\"type\":\"BadRequestError\"}}", UpstreamProblem.TooLong, "4096")]
    [InlineData(400, "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context size\",\"type\":\"exceed_context_size_error\"}}", UpstreamProblem.TooLong, "available")]
    public async Task Answer_UpstreamRefuses_IsAnErrorWithItsWordsAndAFrame(int status, string body, UpstreamProblem problem, string said)
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Answer = context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync(body);
        };
        var (frames, error) = (await AskAsync(upstream, Request), await ErrorAsync(upstream));
        Assert.Equal(problem, error.Problem);
        Assert.Equal(status, error.Status);
        Assert.Contains(said, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(problem == UpstreamProblem.TooLong ? 0 : 1, Assert.Single(frames).Code);
    }

    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"out of memory\"}}\n\n", UpstreamProblem.Refused)]
    [InlineData("data: {\"choices\":7}\n\n", UpstreamProblem.Garbled)]
    [InlineData("data: <html>\n\n", UpstreamProblem.Garbled)]
    [InlineData("data: {\"choices\":[{\"text\":5}]}\n\n", UpstreamProblem.Garbled)]
    [InlineData("data: {\"choices\":[{\"text\":\"\\udc00\"}]}\n\n", UpstreamProblem.Garbled)]
    [InlineData("", UpstreamProblem.CutOff)]
    [InlineData("\0abort", UpstreamProblem.Unreachable)]
    public async Task Answer_StreamBreaksInTheMiddle_IsAnErrorFrameBehindWhatWasSaid(string then, UpstreamProblem problem)
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Answer = async context =>
        {
            await ScriptedUpstream.SendAsync(context, ": a comment\n\n", ScriptedUpstream.Piece("Hel"), ScriptedUpstream.Piece("lo"));
            if (then == "\0abort")
                context.Abort();
            else
                await ScriptedUpstream.SendAsync(context, then);
        };
        var (frames, error) = (await AskAsync(upstream, Request), await ErrorAsync(upstream));
        Assert.Equal(problem, error.Problem);
        Assert.Equal(1, frames[^1].Code);
        if (problem != UpstreamProblem.Unreachable)   // what came before a connection broke may be lost with it
            Assert.Equal([("pHel", 0), ("pHello", 0)], frames[..^1]);
    }

    [Fact]
    public async Task Answer_NotAStream_IsRefused()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Answer = context => context.Response.WriteAsJsonAsync(new { choices = Array.Empty<int>() }, Cancellation);
        Assert.Equal(UpstreamProblem.Garbled, (await ErrorAsync(upstream)).Problem);
    }

    [Fact]
    public async Task Answer_LastPieceSaysSo_EndsWithoutDone()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Answer = context => ScriptedUpstream.SendAsync(context, ScriptedUpstream.Piece("Hi", "\"length\""));
        var backend = await CreateAsync(upstream, options => options);
        Assert.Equal(["pHi"], await TextsAsync(backend, Request));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_UpstreamFallsSilent_IsAnErrorAfterTheTime(bool inTheMiddle)
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Answer = async context =>
        {
            if (inTheMiddle)
                await ScriptedUpstream.SendAsync(context, ScriptedUpstream.Piece("Hel"));
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        };
        UpstreamOptions Impatient(UpstreamOptions options) => options with { Patience = TimeSpan.FromSeconds(1) };
        var (frames, error) = (await AskAsync(upstream, Request, Impatient), await ErrorAsync(upstream, Impatient));
        Assert.Equal(UpstreamProblem.Silent, error.Problem);
        Assert.Contains("--upstream-timeout", error.Message);
        Assert.Equal(inTheMiddle ? [0, 1] : [1], frames.Select(frame => frame.Code));
    }

    [Fact]
    public async Task Answer_UpstreamGone_IsAnErrorFrame()
    {
        var upstream = await ScriptedUpstream.StartAsync();
        var backend = await CreateAsync(upstream, options => options);
        await upstream.DisposeAsync();
        var error = await Assert.ThrowsAsync<UpstreamException>(() => TextsAsync(backend, Request));
        Assert.Equal(UpstreamProblem.Unreachable, error.Problem);
        Assert.Contains("--upstream", error.Message);
    }

    [Fact]
    public async Task Answer_ClientGoesAway_TheUpstreamLearnsIt()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        var ended = new TaskCompletionSource();
        upstream.Answer = async context =>
        {
            await ScriptedUpstream.SendAsync(context, ScriptedUpstream.Piece("Hel"));
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended.SetResult();
        };
        var backend = await CreateAsync(upstream, options => options);
        await using var worker = await WorkerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, Register = false }, backend, UpstreamStage.Quiet, Cancellation);
        using (var http = new HttpClient())
        using (var content = new StringContent(Request))
        using (var message = new HttpRequestMessage(HttpMethod.Post, new Uri(worker.Address, "/worker_generate_stream")) { Content = content })
        using (var reply = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Cancellation))
        {
            var stream = await reply.Content.ReadAsStreamAsync(Cancellation);
            Assert.Equal((byte)'{', stream.ReadByte());
            Assert.False(ended.Task.IsCompleted);
        }
        await ended.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
    }

    [Theory]
    [InlineData(200, "{\"data\":[]}", "has no model")]
    [InlineData(200, "[]", "OpenAI's interface")]
    [InlineData(200, "{\"data\":[{}]}", "OpenAI's interface")]
    [InlineData(200, "{\"data\":[null]}", "OpenAI's interface")]
    [InlineData(200, "{\"data\":[{\"id\":\"\\ud800\"}]}", "OpenAI's interface")]
    [InlineData(401, "", "--upstream-key-file")]
    [InlineData(404, "nothing here", "nothing here")]
    public async Task Start_UpstreamIsNoneOrRefuses_IsAnErrorThatSaysWhy(int status, string body, string said)
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.ModelList = context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync(body);
        };
        Assert.Contains(said, (await Assert.ThrowsAsync<ServingException>(() => CreateAsync(upstream, options => options))).Message);
    }

    [Fact]
    public async Task Start_ModelsAndNames_AreChosen()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        Assert.Equal(["big"], (await CreateAsync(upstream, options => options)).ModelNames);
        Assert.Equal(["other"], (await CreateAsync(upstream, options => options with { Model = "other" })).ModelNames);
        Assert.Equal(["a", "b"], (await CreateAsync(upstream, options => options, "a", "b")).ModelNames);
        Assert.Contains("big, other", (await Assert.ThrowsAsync<ServingException>(() => CreateAsync(upstream, options => options with { Model = "gone" }))).Message);
        await Assert.ThrowsAsync<UnknownNameException>(() => CreateAsync(upstream, options => options with { Template = "vicuna" }));
    }

    [Fact]
    public async Task Start_NobodyListens_SaysSo()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var options = new UpstreamOptions { Address = $"http://{listener.LocalEndpoint}", StartPatience = TimeSpan.FromMilliseconds(300) };
        using var client = new UpstreamClient(options);
        // it is there and says nothing; then it is gone
        Assert.Contains("silent", (await Assert.ThrowsAsync<ServingException>(() => UpstreamBackend.CreateAsync(client, options, cancellation: Cancellation))).Message);
        listener.Stop();
        Assert.Contains("cannot be reached", (await Assert.ThrowsAsync<ServingException>(() => UpstreamBackend.CreateAsync(client, options, cancellation: Cancellation))).Message);
    }

    [Theory]
    [InlineData("localhost:8000")]
    [InlineData("ftp://x")]
    [InlineData("http://x/?a")]
    [InlineData("")]
    public void Client_NoAddress_IsRefused(string address) => Assert.Contains("--upstream", Assert.Throws<ServingException>(() => new UpstreamClient(new() { Address = address })).Message);

    [Theory]
    [InlineData("key\nmore", "key")]
    [InlineData("  key  \r\n", "key")]
    [InlineData("", null)]
    [InlineData("two words", null)]
    [InlineData("kéy", null)]
    public void Key_OfAFile_IsItsFirstLine(string text, string? key)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            if (key is null)
                Assert.Throws<ServingException>(() => UpstreamOptions.ReadKey(file));
            else
                Assert.Equal(key, UpstreamOptions.ReadKey(file));
        }
        finally
        {
            File.Delete(file);
        }
        Assert.Throws<ServingException>(() => UpstreamOptions.ReadKey(file));
    }

    // what a worker's client gets
    private static async Task<(string Text, int Code)[]> AskAsync(ScriptedUpstream upstream, string request, Func<UpstreamOptions, UpstreamOptions>? change = null)
    {
        var backend = await CreateAsync(upstream, change ?? (options => options));
        await using var worker = await WorkerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, Register = false }, backend, UpstreamStage.Quiet, Cancellation);
        return await UpstreamStage.AskAsync(worker.Address, request, Cancellation);
    }

    // what stands behind an error frame
    private static async Task<UpstreamException> ErrorAsync(ScriptedUpstream upstream, Func<UpstreamOptions, UpstreamOptions>? change = null)
    {
        using var client = new UpstreamClient((change ?? (options => options))(new() { Address = upstream.Address }));
        return await Assert.ThrowsAsync<UpstreamException>(async () =>
        {
            await foreach (var _ in client.AnswerAsync(false, new JsonObject { ["prompt"] = "p" }, Cancellation))
                continue;
        });
    }

    private static async Task<UpstreamBackend> CreateAsync(ScriptedUpstream upstream, Func<UpstreamOptions, UpstreamOptions> change, params string[] names)
    {
        var options = change(new() { Address = upstream.Address });
        return await UpstreamBackend.CreateAsync(new UpstreamClient(options), options, names, Cancellation);
    }

    private static async Task<string[]> TextsAsync(UpstreamBackend backend, string request)
    {
        var texts = new List<string>();
        await foreach (var text in backend.AnswerAsync(JsonNode.Parse(request), Cancellation))
            texts.Add(text);
        return [.. texts];
    }
}
