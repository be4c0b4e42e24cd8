namespace LlavaSharp.Trust.Processes;

/// <summary>The servers that are put to the test, with heartbeats quick enough for it.</summary>
internal static class Servers
{
    /// <summary>Seconds between heartbeats, until a silent worker is forgotten, and until a silent answer is given up.</summary>
    /// <remarks>Long enough for a machine on which other tests run; where a worker is to fall silent, the last is shorter.</remarks>
    public const string HeartBeats = "0.5", Expiry = "6", WorkerTimeout = "30", ShortTimeout = "8";

    private static readonly string[] _model = ["--device", "cpu", "--dtype", "float32", "--offline", "--threads", "1"];

    public static Task<LlavaProcess> ControllerAsync(int port = 0, string workerTimeout = WorkerTimeout) =>
        LlavaProcess.StartAsync(["controller", "--host", "127.0.0.1", "--port", $"{port}", "--heart-beat-expiry", Expiry, "--worker-timeout", workerTimeout]);

    /// <summary>A worker with the embedded model.</summary>
    public static Task<LlavaProcess> WorkerAsync(Uri controller, string name = "tiny", int port = 0) =>
        LlavaProcess.StartAsync(["worker", "--host", "127.0.0.1", "--port", $"{port}", "--controller-address", controller.ToString().TrimEnd('/'), "--model-name", name, "--heart-beat-interval", HeartBeats, .. _model]);

    /// <summary>A worker alone.</summary>
    public static Task<LlavaProcess> LonelyWorkerAsync() => LlavaProcess.StartAsync(["worker", "--host", "127.0.0.1", "--port", "0", "--no-register", "--model-name", "tiny", .. _model]);

    /// <summary>Everything at one port.</summary>
    public static Task<LlavaProcess> EverythingAsync(params string[] flags) => LlavaProcess.StartAsync(["serve", "--host", "127.0.0.1", "--port", "0", "--model-name", "tiny", .. _model, .. flags]);
}
