using System.Text.Json.Nodes;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Upstream;
using LlavaSharp.Serving.Workers;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Tests.Upstream;

/// <summary><c>llava serve</c> over the embedded model, behind a key, and a worker of which it is the upstream; one for all tests.</summary>
public sealed class UpstreamStage : IAsyncLifetime
{
    public const string Name = "llava-tiny";

    private LlavaModel _model = null!;
    private BatchingEngine _engine = null!;
    private LlavaServer _server = null!;
    private UpstreamClient _client = null!;
    private WorkerServer _worker = null!;

    public Uri Server => _server.Address;

    public Uri Worker => _worker.Address;

    public async ValueTask InitializeAsync()
    {
        _model = await LlavaModel.LoadAsync(null, new() { Offline = true, Device = "cpu", DataType = "float32" });
        _engine = new(_model);
        _server = await LlavaServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, _engine, Name, Quiet);
        var options = new UpstreamOptions { Address = $"{Server}v1/", Template = "vicuna_v1" };
        _client = new(options);
        var backend = await UpstreamBackend.CreateAsync(_client, options, ["behind"]);
        _worker = await WorkerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, Register = false }, backend, Quiet);
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.DisposeAsync();
        _client.Dispose();
        await _server.DisposeAsync();
        await _engine.DisposeAsync();
        _model.Dispose();
    }

    /// <summary>A prompt of the model's own template.</summary>
    public static string Prompt(params string[] turns)
    {
        var conversation = ConversationTemplates.Get("vicuna_v1");
        for (var i = 0; i < turns.Length; i++)
            conversation.Append(conversation.Roles[i % 2], turns[i]);
        conversation.Append(conversation.Roles[1], null);
        return conversation.GetPrompt();
    }

    public static void Quiet(ILoggingBuilder logging) => logging.SetMinimumLevel(LogLevel.None);

    /// <summary>What a worker's stream says: texts and error codes.</summary>
    public static async Task<(string Text, int Code)[]> AskAsync(Uri address, string body, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using var content = new StringContent(body);
        using var reply = await http.PostAsync(new Uri(address, "/worker_generate_stream"), content, cancellation);
        return [.. (await reply.Content.ReadAsStringAsync(cancellation)).Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(frame => JsonNode.Parse(frame)!).Select(frame => (frame["text"]!.GetValue<string>(), frame["error_code"]!.GetValue<int>()))];
    }
}
