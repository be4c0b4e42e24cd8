using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace LlavaSharp.Serving.Tests.OpenAi;

/// <summary>What the interface says on the wire.</summary>
public class OpenAiApiTests(ApiStage stage) : IClassFixture<ApiStage>
{
    private const string Message = "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]";

    private const string Tool = "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, int, string?, string?> WrongRequests => new()
    {
        { "chat/completions", "", 400, null, null },
        { "chat/completions", "[]", 400, null, null },
        { "chat/completions", "{}", 400, "model", "missing_required_parameter" },
        { "chat/completions", "{\"model\":3}", 400, "model", "invalid_type" },
        { "chat/completions", "{\"model\":\"gone\"," + Message + "}", 404, "model", "model_not_found" },
        { "chat/completions", "{\"model\":\"llava-tiny\"}", 400, "messages", "missing_required_parameter" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[]}", 400, "messages", "empty_array" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"king\",\"content\":\"x\"}]}", 400, "messages[0].role", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\"}]}", 400, "messages[0].content", "missing_required_parameter" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"temperature\":3," + Message + "}", 400, "temperature", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"temperature\":\"1\"," + Message + "}", 400, "temperature", "invalid_type" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"n\":1000," + Message + "}", 400, "n", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"max_tokens\":0," + Message + "}", 400, "max_tokens", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"logit_bias\":{\"99999999\":1}," + Message + "}", 400, "logit_bias", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]," + Message + "}", 400, "stop", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"top_logprobs\":2," + Message + "}", 400, "top_logprobs", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"stream_options\":{}," + Message + "}", 400, "stream_options", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"nonsense\":1," + Message + "}", 400, "nonsense", "unknown_parameter" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"functions\":[]," + Message + "}", 400, "functions", "unsupported_parameter" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://127.0.0.1/a.png\"}}]}]}", 400, "messages[0].content[0].image_url.url", "invalid_image_url" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"file:///etc/passwd\"}}]}]}", 400, "messages[0].content[0].image_url.url", "invalid_image_url" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,@@\"}}]}]}", 400, "messages[0].content[0].image_url.url", "invalid_base64" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,aGVsbG8=\"}}]}]}", 400, "messages[0].content[0].image_url.url", "invalid_image" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"<image> what?\"}]}", 400, null, null },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"response_format\":{\"type\":\"xml\"}," + Message + "}", 400, "response_format.type", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"response_format\":{\"type\":\"json_schema\"}," + Message + "}", 400, "response_format.json_schema", "missing_required_parameter" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":{\"not\":{}}}}," + Message + "}", 400, "response_format.json_schema.schema", "invalid_json_schema" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"response_format\":{\"type\":\"json_object\"},\"tools\":[" + Tool + "]," + Message + "}", 400, "response_format", "unsupported_parameter" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"tools\":[{\"type\":\"web\"}]," + Message + "}", 400, "tools[0].type", "unsupported_parameter" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]," + Message + "}", 400, "tools[0].function.name", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"tools\":[" + Tool + "," + Tool + "]," + Message + "}", 400, "tools", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"tools\":[" + Tool + "],\"tool_choice\":\"always\"," + Message + "}", 400, "tool_choice", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"tools\":[" + Tool + "],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"gone\"}}," + Message + "}", 400, "tool_choice", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"tool_choice\":\"required\"," + Message + "}", 400, "tool_choice", "invalid_value" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", 400, "messages[0].tool_call_id", "missing_required_parameter" },
        { "chat/completions", "{\"model\":\"llava-tiny\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"[\"}}]}]}", 400, "messages[0].tool_calls[0].function.arguments", "invalid_value" },
        { "completions", "{\"model\":\"llava-tiny\"}", 400, "prompt", "missing_required_parameter" },
        { "completions", "{\"model\":\"llava-tiny\",\"prompt\":[1,2]}", 400, "prompt", "unsupported_parameter" },
        { "completions", "{\"model\":\"llava-tiny\",\"prompt\":\"a\",\"suffix\":\"b\"}", 400, "suffix", "unsupported_parameter" },
        { "nothing", "{}", 404, null, "unknown_url" },
    };

    [Theory]
    [MemberData(nameof(WrongRequests))]
    public async Task Request_Wrong_GivesTheErrorObject(string path, string body, int status, string? parameter, string? code)
    {
        var (found, json) = await PostAsync(path, body);
        Assert.Equal(status, (int)found);
        var error = json["error"]!.AsObject();
        Assert.Equal(["message", "type", "param", "code"], error.Select(pair => pair.Key));
        Assert.Equal("invalid_request_error", error["type"]!.GetValue<string>());
        Assert.Equal(parameter, error["param"]?.GetValue<string>());
        Assert.Equal(code, error["code"]?.GetValue<string>());
        Assert.NotEmpty(error["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task Chat_PromptLongerThanTheContext_IsRefused()
    {
        var (status, json) = await PostAsync("chat/completions", new JsonObject
        {
            ["model"] = ApiStage.Name,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = string.Concat(Enumerable.Repeat("What is this? ", 3000)) }),
        }.ToJsonString());
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("context_length_exceeded", json["error"]!["code"]!.GetValue<string>());
    }

    [Fact]
    public async Task Chat_SeveralChoices_AreIndexedAndDrawnWithSeedsThatFollow()
    {
        var (_, both) = await PostAsync("chat/completions", $$"""{"model":"llava-tiny","n":2,"seed":4,"temperature":1.8,"max_tokens":12,{{Message}}}""");
        var (_, second) = await PostAsync("chat/completions", $$"""{"model":"llava-tiny","seed":5,"temperature":1.8,"max_tokens":12,{{Message}}}""");
        Assert.Equal([0, 1], both["choices"]!.AsArray().Select(choice => choice!["index"]!.GetValue<int>()));
        Assert.Equal(second["choices"]![0]!["message"]!["content"]!.GetValue<string>(), both["choices"]![1]!["message"]!["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task Completions_EchoStreamedAndWhole_GiveTheSameText()
    {
        const string request = "{\"model\":\"llava-tiny\",\"prompt\":[\"USER: Hello ASSISTANT:\",\"USER: Bye ASSISTANT:\"],\"temperature\":0,\"max_tokens\":8,\"echo\":true";
        var (_, whole) = await PostAsync("completions", request + "}");
        using var reply = await SendAsync("completions", request + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
        var events = (await reply.Content.ReadAsStringAsync(Cancellation)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", events[^1]);
        var chunks = events[..^1].Select(text => JsonNode.Parse(text["data: ".Length..])!).ToArray();
        for (var index = 0; index < 2; index++)
            Assert.Equal(
                whole["choices"]![index]!["text"]!.GetValue<string>(),
                string.Concat(chunks.SelectMany(chunk => chunk["choices"]!.AsArray()).Where(choice => choice!["index"]!.GetValue<int>() == index).Select(choice => choice!["text"]!.GetValue<string>())));
        Assert.Equal(whole["usage"]!["total_tokens"]!.GetValue<int>(), chunks[^1]["usage"]!["total_tokens"]!.GetValue<int>());
    }

    [Fact]
    public async Task Chat_Stop_EndsTheAnswerBeforeIt()
    {
        var (_, free) = await PostAsync("chat/completions", $$"""{"model":"llava-tiny","temperature":0,"max_tokens":20,{{Message}}}""");
        var text = free["choices"]![0]!["message"]!["content"]!.GetValue<string>();
        var stop = text[(text.Length / 2)..(text.Length / 2 + 2)];
        var (_, stopped) = await PostAsync("chat/completions", $$"""{"model":"llava-tiny","temperature":0,"max_tokens":20,"stop":{{JsonValue.Create(stop)!.ToJsonString()}},{{Message}}}""");
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)].Trim(), stopped["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        Assert.Equal("stop", stopped["choices"]![0]!["finish_reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task Chat_Garbage_IsNeverAnErrorOfTheServer()
    {
        var random = new Random(3);
        string[] parts = ["{", "}", "[", "]", ":", ",", "null", "true", "1e999", "-1", "0.5", "\"\"", "\"model\":\"llava-tiny\"", "\"messages\"", "\"role\":\"user\"", "\"content\"", "\"type\":\"text\"", "\"text\"", "\"image_url\"", "\"url\":\"data:,\"", "\"\\ud800\"", "\"stop\"", "\"logit_bias\"", "\"tools\"", "\"tool_choice\":\"required\"", "\"function\"", "\"name\":\"f\"", "\"parameters\"", "\"type\":\"function\"", "\"response_format\"", "\"json_schema\"", "\"type\":\"json_object\"", "\0", "\u00ff"];
        for (var i = 0; i < 4000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(14)).Select(_ => parts[random.Next(parts.Length)]));
            var body = (i % 3) switch
            {
                0 => text,
                1 => "{\"model\":\"llava-tiny\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":" + text + "}]}",
                _ => "{\"model\":\"llava-tiny\",\"max_tokens\":1," + text + ",\"messages\":[{\"role\":\"user\",\"content\":[{" + text + "}]}]}",
            };
            using var reply = await SendAsync(i % 4 == 0 ? "completions" : "chat/completions", body);
            Assert.True((int)reply.StatusCode < 500, $"{reply.StatusCode} for {body}");
        }
    }

    private async Task<(HttpStatusCode Status, JsonNode Json)> PostAsync(string path, string body)
    {
        using var reply = await SendAsync(path, body);
        return (reply.StatusCode, JsonNode.Parse(await reply.Content.ReadAsStringAsync(Cancellation))!);
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string body)
    {
        using var http = new HttpClient { BaseAddress = stage.Address };
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        return await http.PostAsync($"v1/{path}", content, Cancellation);
    }
}
