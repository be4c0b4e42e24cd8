using LlavaSharp.Imaging;
using LlavaSharp.Serving.Controller;
using LlavaSharp.Serving.Web;
using LlavaSharp.Serving.Workers;
using LlavaSharp.Web.Hosting;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Web.Tests;

/// <summary>The page before a controller and a scripted worker, all of this process.</summary>
public sealed class PageStage : IAsyncLifetime
{
    public const string FirstModel = "llava-v1.5-first";
    public const string SecondModel = "llava-v1.5-second";

    private ControllerServer _controller = null!;
    private WorkerServer _worker = null!;
    private WebServer _web = null!;

    internal ScriptedBackend Backend { get; } = new(FirstModel, SecondModel);

    /// <summary>Where conversations are recorded.</summary>
    public string Folder { get; } = Path.Combine(Path.GetTempPath(), $"llava-page-{Guid.NewGuid():N}");

    public Uri Address => _web.Address;

    public string ControllerAddress => _controller.Address.ToString();

    /// <summary>The records so far.</summary>
    public string[] Records => Directory.Exists(Folder) ? [.. Directory.EnumerateFiles(Folder, "*-conv.json").SelectMany(File.ReadLines)] : [];

    public async ValueTask InitializeAsync()
    {
        _controller = await ControllerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, Quiet);
        _worker = await StartWorkerAsync(Backend);
        _web = await WebServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, ControllerUrl = ControllerAddress, LogFolder = Folder, WorkerPatience = TimeSpan.FromMinutes(2) }, Quiet);   // a busy machine is no failure
    }

    internal Task<WorkerServer> StartWorkerAsync(ScriptedBackend backend) =>
        WorkerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, ControllerAddress = ControllerAddress, LimitModelConcurrency = 8 }, backend, Quiet);

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        await _worker.DisposeAsync();
        await _controller.DisposeAsync();
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
    }

    /// <summary>A small picture of one colour, as a PNG file.</summary>
    public static byte[] Png(byte shade, int width = 40, int height = 30) => Image.FromRgb(width, height, [.. Enumerable.Repeat(shade, 3 * width * height)]).EncodePng();

    public static void Quiet(ILoggingBuilder logging) => logging.SetMinimumLevel(LogLevel.None);

    internal static WebConversations Conversations(string controller, Func<WebServerOptions, WebServerOptions>? change = null)
    {
        var options = new WebServerOptions { ControllerUrl = controller, LogFolder = null, StateInterval = TimeSpan.Zero };
        return new(change?.Invoke(options) ?? options);
    }
}
