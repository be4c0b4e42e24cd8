using System.Runtime.InteropServices;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Serving.Operations;

namespace LlavaSharp.Cli;

/// <summary>The model of a server. It is loaded anew when the process is told so by SIGHUP; answers that run go on with what was loaded before.</summary>
internal sealed class ServedEngine : IAsyncDisposable
{
    private readonly Func<Task<(IGenerationEngine Engine, Func<ValueTask> Dispose)>> _load;
    private readonly EngineMetrics _metrics;
    private readonly SemaphoreSlim _one = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration? _hangup;

    private ServedEngine(ReplaceableEngine engine, EngineMetrics metrics, Func<Task<(IGenerationEngine, Func<ValueTask>)>> load)
    {
        (Engine, _metrics, _load) = (engine, metrics, load);
        if (!OperatingSystem.IsWindows())
            _hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;   // it would end the process
                _ = Task.Run(ReloadAsync);
            });
    }

    /// <summary>What answers.</summary>
    public ReplaceableEngine Engine { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="path">Its path; null: the embedded one.</param>
    /// <param name="options">How it is loaded, also later.</param>
    /// <param name="engineOptions">How it answers.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<ServedEngine> LoadAsync(string? path, LoadOptions options, EngineOptions engineOptions, CancellationToken cancellationToken)
    {
        var model = await LlavaModel.LoadAsync(path, options, cancellationToken);
        var metrics = new EngineMetrics(model.Name);
        var (engine, dispose) = Start(model);
        return new(new(engine, dispose), metrics, async () => Start(await LlavaModel.LoadAsync(path, options)));

        (IGenerationEngine, Func<ValueTask>) Start(LlavaModel loaded)
        {
            var batching = new BatchingEngine(loaded, engineOptions with { Observer = metrics });
            return (batching, async () =>
            {
                await batching.DisposeAsync();
                loaded.Dispose();
            });
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _hangup?.Dispose();
        await _stop.CancelAsync();
        await _one.WaitAsync();   // a model that is being loaded is let in, and freed
        await Engine.DisposeAsync();
        _metrics.Dispose();
        _stop.Dispose();
    }

    private async Task ReloadAsync()
    {
        if (_stop.IsCancellationRequested || !await _one.WaitAsync(0))
            return;   // it is being loaded already
        try
        {
            Console.Error.WriteLine("Loading the model anew; answers that run go on.");
            var (engine, dispose) = await _load();
            Engine.Replace(engine, dispose);
            Console.Error.WriteLine("The model was loaded anew.");
        }
        catch (Exception exception) when (exception is LlavaException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The model could not be loaded anew, the one before answers on: {exception.Message}");
        }
        finally
        {
            _one.Release();
        }
    }
}
