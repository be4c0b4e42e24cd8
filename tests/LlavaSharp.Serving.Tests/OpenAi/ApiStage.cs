using LlavaSharp.Generation.Batching;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Ollama;
using LlavaSharp.Serving.OpenAi;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Tests.OpenAi;

/// <summary>A server of the OpenAI-compatible interface over the embedded model; one for all tests.</summary>
public sealed class ApiStage : IAsyncLifetime
{
    private ServerHost _host = null!;
    private LlavaModel _model = null!;

    public const string Name = "llava-tiny";

    public BatchingEngine Engine { get; private set; } = null!;

    public Uri Address => _host.Address;

    public ServedModels Models { get; } = new();

    public async ValueTask InitializeAsync()
    {
        _model = await LlavaModel.LoadAsync(null, new() { Offline = true, Device = "cpu", DataType = "float32" });
        Engine = new(_model);
        Models.Set(new(Name, Engine, DateTimeOffset.UnixEpoch.AddDays(20000)));
        _host = ServerHost.Create("test server", "127.0.0.1", 0, 32 << 20, logging => logging.SetMinimumLevel(LogLevel.None));
        _host.App.UseRouting();
        _host.App.MapOpenAi(Models);
        _host.App.MapOllama(Models);
        await _host.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await Engine.DisposeAsync();
        _model.Dispose();
    }
}
