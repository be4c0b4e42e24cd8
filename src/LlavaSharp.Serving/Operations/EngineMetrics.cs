using System.Diagnostics.Metrics;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;

namespace LlavaSharp.Serving.Operations;

/// <summary>What a <see cref="BatchingEngine"/> does, as metrics of the meter <see cref="MeterName"/>, each with the tag <c>model</c>.</summary>
public sealed class EngineMetrics : IEngineObserver, IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "LlavaSharp.Engine";

    // seconds: from one step of a small model to a long prompt on a slow machine
    private static readonly InstrumentAdvice<double> _toFirst = new() { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] };
    private static readonly InstrumentAdvice<double> _between = new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] };

    private readonly Meter _meter = new(MeterName);
    private readonly KeyValuePair<string, object?> _model;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _interToken;
    private readonly Counter<long> _finished;
    private readonly Counter<long> _failed;
    private EngineStatistics _last = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /// <summary>Makes the instruments.</summary>
    /// <param name="model">The model's name.</param>
    public EngineMetrics(string model)
    {
        _model = new("model", model);
        Gauge("llava.requests.running", "Requests that are being answered.", statistics => statistics.Running);
        Gauge("llava.requests.waiting", "Requests that wait.", statistics => statistics.Waiting);
        Gauge("llava.kv_cache.blocks.used", "Blocks of the cache of keys and values in use.", statistics => statistics.PagesUsed);
        Gauge("llava.kv_cache.blocks", "Blocks of the cache of keys and values.", statistics => statistics.Pages);
        Total("llava.steps", "Steps of the engine.", statistics => statistics.Steps);
        Total("llava.tokens.prompt", "Positions of prompts that were computed.", statistics => statistics.PromptPositions);
        Total("llava.tokens.cached", "Positions of prompts that were held from other requests.", statistics => statistics.ReusedPositions);
        Total("llava.tokens.generated", "Tokens that were generated.", statistics => statistics.GeneratedTokens);
        Total("llava.preemptions", "Requests that gave their blocks to others and began anew.", statistics => statistics.Preemptions);
        Total("llava.images.cached", "Pictures whose features were held.", statistics => statistics.SavedPictures);
        _firstToken = _meter.CreateHistogram("llava.time_to_first_token", "s", "From the request to its first token.", advice: _toFirst);
        _interToken = _meter.CreateHistogram("llava.inter_token_latency", "s", "From one token of an answer to the next.", advice: _between);
        _finished = _meter.CreateCounter<long>("llava.requests.finished", description: "Requests that were answered, by why the answer ended.");
        _failed = _meter.CreateCounter<long>("llava.requests.failed", description: "Requests that ended without an answer, by what ended them.");
    }

    /// <inheritdoc/>
    public void Stepped(EngineStatistics statistics) => Volatile.Write(ref _last, statistics);

    /// <inheritdoc/>
    public void FirstToken(TimeSpan sinceRequest) => _firstToken.Record(sinceRequest.TotalSeconds, _model);

    /// <inheritdoc/>
    public void Token(TimeSpan sinceLast) => _interToken.Record(sinceLast.TotalSeconds, _model);

    /// <inheritdoc/>
    public void Finished(GenerationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        _finished.Add(1, _model, new("reason", result.FinishReason switch { FinishReason.Length => "length", FinishReason.StopString => "stop_string", _ => "stop" }));
    }

    /// <inheritdoc/>
    public void Ended(Exception reason) => _failed.Add(1, _model, new("reason", reason switch { OperationCanceledException => "cancelled", EngineBusyException => "busy", _ => "error" }));

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string description, Func<EngineStatistics, long> read) => _meter.CreateObservableGauge(name, () => new Measurement<long>(read(Volatile.Read(ref _last)), _model), description: description);

    private void Total(string name, string description, Func<EngineStatistics, long> read) => _meter.CreateObservableCounter(name, () => new Measurement<long>(read(Volatile.Read(ref _last)), _model), description: description);
}
