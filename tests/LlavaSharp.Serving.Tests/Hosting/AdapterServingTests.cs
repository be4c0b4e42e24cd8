using System.Net;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Workers;
using LlavaSharp.Tests.Chat;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Tests.Hosting;

/// <summary>Adapters are models of their own to all three interfaces.</summary>
public sealed class AdapterServingTests : IAsyncLifetime
{
    private const string Name = "tiny";
    private const string Prompt = "USER: Hello, what can you see? ASSISTANT:";
    private static readonly string[] s_all = ["all", "ends", Name];

    private readonly string _folder = Directory.CreateTempSubdirectory("llava-adapters-").FullName;
    private LlavaModel _model = null!;
    private BatchingEngine _engine = null!;
    private LlavaServer _server = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        AdapterSource[] adapters =
        [
            new("all", TestAdapter.Write(Path.Combine(_folder, "all"), 2, TestAdapter.All, rank: 8, strength: 0.6)),
            new("ends", TestAdapter.Write(Path.Combine(_folder, "ends"), 3, TestAdapter.Ends, strength: 0.8)),
        ];
        _model = await LlavaModel.LoadAsync(null, new() { Offline = true, Device = "cpu", DataType = "float32", Adapters = adapters, ModelName = Name });
        _engine = new(_model);
        _server = await LlavaServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, _engine, null, Quiet);
        _http = new() { BaseAddress = _server.Address };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        await _engine.DisposeAsync();
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Lists_OfAllInterfaces_HaveEveryName()
    {
        Assert.Equal(s_all, Names((await PostAsync("/list_models", "")).Json!["models"]!));
        Assert.Equal(s_all, Names((await PostAsync("/worker_get_status", "")).Json!["model_names"]!));
        Assert.Equal(s_all, Names(JsonNode.Parse(await _http.GetStringAsync("/v1/models", Cancellation))!["data"]!, "id"));
        Assert.Equal(s_all, Names(JsonNode.Parse(await _http.GetStringAsync("/api/tags", Cancellation))!["models"]!, "name"));
        Assert.Equal(Name, (await PostAsync("/api/show", "{\"model\":\"all\"}")).Json!["details"]!["parent_model"]!.GetValue<string>());
        Assert.Equal("", (await PostAsync("/api/show", "{\"model\":\"tiny\"}")).Json!["details"]!["parent_model"]!.GetValue<string>());
    }

    [Fact]
    public async Task Answers_OfAllInterfaces_AreThoseOfTheAdapterThatIsNamed()
    {
        var answers = new HashSet<string>();
        foreach (var name in s_all)
        {
            var expected = await _model.CompleteAsync(Request(name), Cancellation);
            answers.Add(expected.Text);
            Assert.Equal(_server.Address.ToString().TrimEnd('/'), (await PostAsync("/get_worker_address", $"{{\"model\":\"{name}\"}}")).Json!["address"]!.GetValue<string>());
            Assert.Equal(expected.Text, Last(await PostAsync("/worker_generate_stream", Worker(name), _http))["text"]!.GetValue<string>()[Prompt.Length..].Trim());
            var completion = (await PostAsync("/v1/completions", $"{{\"model\":\"{name}\",\"temperature\":0,\"max_tokens\":12,\"prompt\":\"{Prompt}\"}}")).Json!;
            Assert.Equal(name, completion["model"]!.GetValue<string>());
            Assert.Equal(expected.Text, completion["choices"]![0]!["text"]!.GetValue<string>().Trim());
            var generated = (await PostAsync("/api/generate", $"{{\"model\":\"{name}\",\"stream\":false,\"raw\":true,\"options\":{{\"temperature\":0,\"num_predict\":12}},\"prompt\":\"{Prompt}\"}}")).Json!;
            Assert.Equal(expected.Text, generated["response"]!.GetValue<string>().Trim());
        }
        Assert.Equal(3, answers.Count);
    }

    [Fact]
    public async Task UnknownName_GetsEachInterfacesOwnError()
    {
        var (status, json) = await PostAsync("/v1/completions", "{\"model\":\"nobody\",\"prompt\":\"x\"}");
        Assert.Equal((HttpStatusCode.NotFound, "model_not_found"), (status, json!["error"]!["code"]!.GetValue<string>()));
        Assert.Contains("tiny, all, ends", json["error"]!["message"]!.GetValue<string>());
        (status, json) = await PostAsync("/api/generate", "{\"model\":\"nobody\",\"prompt\":\"x\"}");
        Assert.Equal((HttpStatusCode.NotFound, "model 'nobody' not found"), (status, json!["error"]!.GetValue<string>()));
        Assert.Equal("", (await PostAsync("/get_worker_address", "{\"model\":\"nobody\"}")).Json!["address"]!.GetValue<string>());

        // straight to a worker, without the controller that would have known
        await using var worker = await WorkerServer.StartAsync(
            new() { Host = "127.0.0.1", Port = 0, ControllerAddress = _server.Address.ToString() }, new EngineBackend(_engine, "second"), Quiet, Cancellation);
        Assert.Equal(["all", "ends", "second", Name], Names((await PostAsync("/list_models", "")).Json!["models"]!));
        using var straight = new HttpClient { BaseAddress = worker.Address };
        Assert.Equal(1, Last(await PostAsync("/worker_generate_stream", Worker("nobody"), straight))["error_code"]!.GetValue<int>());
        Assert.Equal(0, Last(await PostAsync("/worker_generate_stream", Worker("second"), straight))["error_code"]!.GetValue<int>());
        Assert.Equal(0, Last(await PostAsync("/worker_generate_stream", Worker("ends"), straight))["error_code"]!.GetValue<int>());
    }

    [Fact]
    public async Task Start_NameOfAnAdapter_IsRefused() =>
        Assert.Contains("'ends'", (await Assert.ThrowsAsync<ServingException>(() => LlavaServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, _engine, "ends", Quiet, Cancellation))).Message);

    private static GenerationRequest Request(string name) =>
        new() { Prompt = Prompt, Adapter = name == Name ? null : name, Options = new() { Temperature = 0, MaxNewTokens = 12 } };

    private static string Worker(string name) => $"{{\"model\":\"{name}\",\"prompt\":\"{Prompt}\",\"temperature\":0,\"max_new_tokens\":12,\"stop\":\"</s>\"}}";

    private static string[] Names(JsonNode list, string? key = null) => [.. list.AsArray().Select(item => (key is null ? item! : item![key]!).GetValue<string>()).Order(StringComparer.Ordinal)];

    private static JsonNode Last((HttpStatusCode Status, JsonNode? Json, string Text) reply) => JsonNode.Parse(reply.Text.Split('\0', StringSplitOptions.RemoveEmptyEntries)[^1])!;

    private async Task<(HttpStatusCode Status, JsonNode? Json)> PostAsync(string path, string body)
    {
        var (status, json, _) = await PostAsync(path, body, _http);
        return (status, json);
    }

    private async Task<(HttpStatusCode Status, JsonNode? Json, string Text)> PostAsync(string path, string body, HttpClient client)
    {
        using var content = new StringContent(body);
        using var reply = await client.PostAsync(path, content, Cancellation);
        var text = await reply.Content.ReadAsStringAsync(Cancellation);
        return (reply.StatusCode, text.StartsWith('{') && !text.Contains('\0', StringComparison.Ordinal) ? JsonNode.Parse(text) : null, text);
    }

    private static void Quiet(ILoggingBuilder logging) => logging.SetMinimumLevel(LogLevel.None);
}
