using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.Serving.Tests.OpenAi;
using OllamaSharp;
using OllamaSharp.Models;
using OllamaSharp.Models.Chat;

namespace LlavaSharp.Serving.Tests.Ollama;

/// <summary>OllamaSharp in front of our server, and what is said on the wire.</summary>
public class OllamaTests(ApiStage stage) : IClassFixture<ApiStage>
{
    private const string Question = "What colour is the picture?";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Image Picture => Image.FromRgb(64, 64, [.. Enumerable.Repeat<byte[]>([30, 30, 220], 64 * 64).SelectMany(pixel => pixel)]);

    private static RequestOptions Greedy => new() { Temperature = 0, NumPredict = 30 };

    [Fact]
    public async Task Models_AreListedShownAndRunning()
    {
        using var client = new OllamaApiClient(stage.Address, ApiStage.Name);
        Assert.True(await client.IsRunningAsync(Cancellation));
        Assert.Equal([ApiStage.Name], (await client.ListLocalModelsAsync(Cancellation)).Select(model => model.Name));
        Assert.Equal([ApiStage.Name], (await client.ListRunningModelsAsync(Cancellation)).Select(model => model.Name));
        Assert.Equal(["completion", "vision", "tools"], (await client.ShowModelAsync(ApiStage.Name, Cancellation)).Capabilities!);
    }

    [Fact]
    public async Task Chat_PictureStreamed_IsAnsweredAsByTheLibrary()
    {
        using var client = new OllamaApiClient(stage.Address, ApiStage.Name);
        var (text, last) = ("", (ChatDoneResponseStream?)null);
        var request = new ChatRequest { Model = $"{ApiStage.Name}:latest", Options = Greedy, Messages = [new(ChatRole.User, Question, [Convert.ToBase64String(Picture.EncodePng())])] };
        await foreach (var piece in client.ChatAsync(request, Cancellation))
        {
            text += piece!.Message.Content;
            last = piece as ChatDoneResponseStream ?? last;
        }
        var expected = await LibraryAsync();
        Assert.Equal(expected.Text, text.Trim());
        Assert.Equal(expected.OutputIds.Count, last!.EvalCount);
        Assert.Equal(expected.PromptTokens, last.PromptEvalCount);
        Assert.Equal("stop", last.DoneReason);
        Assert.True(last.TotalDuration > 0);
    }

    [Fact]
    public async Task Generate_Whole_IsAnsweredAsByTheLibrary()
    {
        var (status, json) = await PostAsync("generate", new JsonObject
        {
            ["model"] = ApiStage.Name,
            ["prompt"] = Question,
            ["images"] = new JsonArray(Convert.ToBase64String(Picture.EncodePng())),
            ["stream"] = false,
            ["options"] = new JsonObject { ["temperature"] = 0, ["num_predict"] = 30 },
        }.ToJsonString());
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal((await LibraryAsync()).Text, json["response"]!.GetValue<string>());
        Assert.True(json["done"]!.GetValue<bool>());
    }

    [Theory]
    [InlineData("chat", true)]
    [InlineData("chat", false)]
    [InlineData("generate", false)]
    public async Task Format_Schema_IsHeldTo(string path, bool streamed)
    {
        using var client = new OllamaApiClient(stage.Address, ApiStage.Name);
        var schema = JsonNode.Parse("""{"type":"object","properties":{"colour":{"enum":["red","blue"]}},"required":["colour"]}""");
        var text = "";
        if (path == "generate")
            await foreach (var piece in client.GenerateAsync(new GenerateRequest { Model = ApiStage.Name, Prompt = Question, Format = schema, Stream = streamed, Options = new() { Temperature = 0, NumPredict = 100 } }, Cancellation))
                text += piece!.Response;
        else
            await foreach (var piece in client.ChatAsync(new ChatRequest { Model = ApiStage.Name, Format = schema, Stream = streamed, Options = new() { Temperature = 0, NumPredict = 100 }, Messages = [new(ChatRole.User, Question)] }, Cancellation))
                text += piece!.Message.Content;
        Assert.Contains(JsonNode.Parse(text)!["colour"]!.GetValue<string>(), new[] { "red", "blue" });
    }

    [Fact]
    public async Task Format_Json_BeginsAnObject()
    {
        var (_, json) = await PostAsync("chat", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"format\":\"json\",\"stream\":false,\"options\":{\"num_predict\":20}}");
        Assert.StartsWith("{", json["message"]!["content"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tools_CallsInTheHistory_AreTaken(bool streamed)
    {
        using var client = new OllamaApiClient(stage.Address, ApiStage.Name);
        var tool = new Tool { Function = new() { Name = "set_lamp", Description = "Sets the lamp.", Parameters = new() { Type = "object", Properties = new() { ["level"] = new() { Type = "integer" } }, Required = ["level"] } } };
        var call = new Message.ToolCall { Function = new() { Name = "set_lamp", Arguments = new Dictionary<string, object?> { ["level"] = 3 } } };
        var request = new ChatRequest
        {
            Model = ApiStage.Name,
            Stream = streamed,
            Tools = [tool],
            Options = Greedy,
            Messages = [new(ChatRole.User, Question), new() { Role = ChatRole.Assistant, ToolCalls = [call] }, new() { Role = ChatRole.Tool, Content = "done", ToolName = "set_lamp" }],
        };
        var (text, tokens) = ("", 0);
        await foreach (var piece in client.ChatAsync(request, Cancellation))
        {
            text += piece!.Message.Content;
            tokens = (piece as ChatDoneResponseStream)?.PromptEvalCount ?? tokens;
        }
        request.Tools = null;
        var plain = 0;
        await foreach (var piece in client.ChatAsync(request, Cancellation))
            plain = (piece as ChatDoneResponseStream)?.PromptEvalCount ?? plain;
        Assert.True(tokens > plain);   // the tools are told
    }

    [Theory]
    [InlineData("chat", "{", 400)]
    [InlineData("chat", "{}", 400)]
    [InlineData("chat", "{\"model\":\"gone\",\"messages\":[]}", 404)]
    [InlineData("chat", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"king\",\"content\":\"x\"}]}", 400)]
    [InlineData("chat", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"images\":[\"@\"]}]}", 400)]
    [InlineData("chat", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"images\":[\"aGVsbG8=\"]}]}", 400)]
    [InlineData("chat", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"format\":\"xml\"}", 400)]
    [InlineData("chat", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"format\":{\"not\":{}}}", 400)]
    [InlineData("chat", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"tool\",\"content\":\"y\"}]}", 400)]
    [InlineData("chat", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]}", 400)]
    [InlineData("generate", "{\"model\":\"llava-tiny\",\"prompt\":\"x\",\"suffix\":\"y\"}", 400)]
    [InlineData("generate", "{\"model\":\"llava-tiny\",\"prompt\":\"x\",\"options\":{\"temperature\":\"hot\"}}", 400)]
    [InlineData("show", "{\"model\":\"gone\"}", 404)]
    public async Task Request_Wrong_GivesTheError(string path, string body, int status)
    {
        var (found, json) = await PostAsync(path, body);
        Assert.Equal(status, (int)found);
        Assert.Equal(["error"], json.AsObject().Select(pair => pair.Key));
    }

    [Theory]
    [InlineData("chat", "{\"model\":\"llava-tiny\",\"messages\":[],\"stream\":false}")]
    [InlineData("generate", "{\"model\":\"llava-tiny\",\"stream\":false}")]
    public async Task Request_Empty_SaysThatTheModelIsLoaded(string path, string body)
    {
        var (_, json) = await PostAsync(path, body);
        Assert.Equal("load", json["done_reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task Request_Garbage_IsNeverAnErrorOfTheServer()
    {
        var random = new Random(9);
        string[] parts = ["{", "}", "[", "]", ":", ",", "null", "true", "1e999", "-1", "\"\"", "\"model\":\"llava-tiny\"", "\"messages\"", "\"role\":\"user\"", "\"content\"", "\"images\"", "\"options\"", "\"stop\"", "\"seed\"", "\"\\ud800\"", "\0", "\u00ff"];
        for (var i = 0; i < 3000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(14)).Select(_ => parts[random.Next(parts.Length)]));
            var body = i % 2 == 0 ? text : "{\"model\":\"llava-tiny\",\"options\":{\"num_predict\":1}," + text + ",\"messages\":[{\"role\":\"user\",\"content\":" + text + "}]}";
            using var http = new HttpClient { BaseAddress = stage.Address };
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            using var reply = await http.PostAsync($"api/{(i % 3) switch { 0 => "generate", 1 => "chat", _ => "show" }}", content, Cancellation);
            Assert.True((int)reply.StatusCode < 500, $"{reply.StatusCode} for {body}");
        }
    }

    private async Task<(HttpStatusCode Status, JsonNode Json)> PostAsync(string path, string body)
    {
        using var http = new HttpClient { BaseAddress = stage.Address };
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        using var reply = await http.PostAsync($"api/{path}", content, Cancellation);
        return (reply.StatusCode, JsonNode.Parse(await reply.Content.ReadAsStringAsync(Cancellation))!);
    }

    private Task<Generation.GenerationResult> LibraryAsync() => stage.Engine.Model.CompleteAsync(stage.Engine.Model.CreateRequest(Question, [Picture], new() { Temperature = 0, MaxNewTokens = 30 }), Cancellation);
}
