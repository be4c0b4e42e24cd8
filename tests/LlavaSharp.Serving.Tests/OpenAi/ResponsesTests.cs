using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;

namespace LlavaSharp.Serving.Tests.OpenAi;

/// <summary>What <c>/v1/responses</c> says on the wire; npm's client reads it in <see cref="NodeClientTests"/>.</summary>
public class ResponsesTests(ApiStage stage) : IClassFixture<ApiStage>
{
    private const string Question = "What colour is the picture?";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Image Picture => Image.FromRgb(64, 64, [.. Enumerable.Repeat<byte[]>([220, 30, 30], 64 * 64).SelectMany(pixel => pixel)]);

    private static JsonObject Ask() => new()
    {
        ["model"] = ApiStage.Name,
        ["temperature"] = 0,
        ["max_output_tokens"] = 30,
        ["input"] = new JsonArray(new JsonObject
        {
            ["role"] = "user",
            ["content"] = new JsonArray(
                new JsonObject { ["type"] = "input_image", ["image_url"] = $"data:image/png;base64,{Convert.ToBase64String(Picture.EncodePng())}" },
                new JsonObject { ["type"] = "input_text", ["text"] = Question }),
        }),
    };

    [Fact]
    public async Task Response_Picture_IsAnsweredAsByTheLibrary()
    {
        var (status, text) = await PostAsync(Ask().ToJsonString());
        Assert.Equal(HttpStatusCode.OK, status);
        var json = JsonNode.Parse(text)!;
        var expected = await LibraryAsync();
        Assert.Equal(expected.Text, json["output"]![0]!["content"]![0]!["text"]!.GetValue<string>());
        Assert.Equal("completed", json["status"]!.GetValue<string>());
        Assert.Equal((expected.PromptTokens, expected.OutputIds.Count), (json["usage"]!["input_tokens"]!.GetValue<int>(), json["usage"]!["output_tokens"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Response_Streamed_ComesInTheOrderOfEvents()
    {
        var request = Ask();
        request["stream"] = true;
        var (_, text) = await PostAsync(request.ToJsonString());
        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(block => block.Split('\n')).ToArray();
        var data = events.Select(lines => JsonNode.Parse(lines[1]["data: ".Length..])!).ToArray();
        Assert.Equal(events.Select(lines => lines[0]["event: ".Length..]), data.Select(item => item["type"]!.GetValue<string>()));
        Assert.Equal(Enumerable.Range(0, data.Length), data.Select(item => item["sequence_number"]!.GetValue<int>()));
        Assert.Equal(
            ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added", "response.output_text.delta", "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed"],
            data.Select(item => item["type"]!.GetValue<string>()).Distinct());
        var expected = await LibraryAsync();
        Assert.Equal(expected.Text, string.Concat(data.Where(item => item["type"]!.GetValue<string>() == "response.output_text.delta").Select(item => item["delta"]!.GetValue<string>())).Trim());
        Assert.Equal(expected.Text, data[^1]["response"]!["output"]![0]!["content"]![0]!["text"]!.GetValue<string>());
    }

    [Fact]
    public async Task Response_Schema_IsHeldTo()
    {
        var request = Ask();
        (request["max_output_tokens"], request["instructions"]) = (200, "Answer in JSON.");
        request["text"] = JsonNode.Parse("""{"format":{"type":"json_schema","name":"a","strict":true,"schema":{"type":"object","properties":{"colour":{"enum":["red","blue"]}},"required":["colour"]}}}""");
        var (_, text) = await PostAsync(request.ToJsonString());
        Assert.Contains(JsonNode.Parse(JsonNode.Parse(text)!["output"]![0]!["content"]![0]!["text"]!.GetValue<string>())!["colour"]!.GetValue<string>(), new[] { "red", "blue" });
    }

    [Fact]
    public async Task Response_LimitOfTokens_IsIncomplete()
    {
        var (_, text) = await PostAsync("""{"model":"llava-tiny","input":"Describe a house.","max_output_tokens":1,"temperature":0}""");
        Assert.Equal("incomplete", JsonNode.Parse(text)!["status"]!.GetValue<string>());
        Assert.Equal("max_output_tokens", JsonNode.Parse(text)!["incomplete_details"]!["reason"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("{\"model\":\"llava-tiny\"}", "input")]
    [InlineData("{\"model\":\"llava-tiny\",\"input\":[]}", "input")]
    [InlineData("{\"model\":\"llava-tiny\",\"input\":\"x\",\"tools\":[{}]}", "tools")]
    [InlineData("{\"model\":\"llava-tiny\",\"input\":\"x\",\"previous_response_id\":\"a\"}", "previous_response_id")]
    [InlineData("{\"model\":\"llava-tiny\",\"input\":\"x\",\"nonsense\":1}", "nonsense")]
    [InlineData("{\"model\":\"llava-tiny\",\"input\":\"x\",\"text\":{\"format\":{\"type\":\"xml\"}}}", "text.format.type")]
    [InlineData("{\"model\":\"llava-tiny\",\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"a\",\"schema\":{\"not\":{}}}}}", "text.format.schema")]
    [InlineData("{\"model\":\"llava-tiny\",\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"a\",\"output\":\"b\"}]}", "input[0].type")]
    [InlineData("{\"model\":\"llava-tiny\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\"}]}]}", "input[0].content[0].type")]
    public async Task Request_Wrong_GivesTheErrorObject(string body, string parameter)
    {
        var (status, text) = await PostAsync(body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(parameter, JsonNode.Parse(text)!["error"]!["param"]!.GetValue<string>());
    }

    [Fact]
    public async Task Request_Garbage_IsNeverAnErrorOfTheServer()
    {
        var random = new Random(5);
        string[] parts = ["{", "}", "[", "]", ":", ",", "null", "true", "1", "\"\"", "\"role\":\"user\"", "\"content\"", "\"type\":\"input_text\"", "\"text\"", "\"type\":\"input_image\"", "\"image_url\":\"data:,\"", "\"\\ud800\"", "\"format\"", "\"schema\"", "\"type\":\"json_schema\""];
        for (var i = 0; i < 1500; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(14)).Select(_ => parts[random.Next(parts.Length)]));
            var (status, _) = await PostAsync(i % 2 == 0
                ? "{\"model\":\"llava-tiny\",\"max_output_tokens\":1,\"input\":" + text + "}"
                : "{\"model\":\"llava-tiny\",\"max_output_tokens\":1,\"text\":{" + text + "},\"input\":[{\"role\":\"user\",\"content\":[{" + text + "}]}]}");
            Assert.True((int)status < 500, $"{status} for {text}");
        }
    }

    private Task<Generation.GenerationResult> LibraryAsync() => stage.Engine.Model.CompleteAsync(stage.Engine.Model.CreateRequest(Question, [Picture], new() { Temperature = 0, MaxNewTokens = 30 }), Cancellation);

    private async Task<(HttpStatusCode Status, string Text)> PostAsync(string body)
    {
        using var http = new HttpClient { BaseAddress = stage.Address };
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        using var reply = await http.PostAsync("v1/responses", content, Cancellation);
        return (reply.StatusCode, await reply.Content.ReadAsStringAsync(Cancellation));
    }
}
