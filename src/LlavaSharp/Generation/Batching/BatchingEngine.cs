using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using LlavaSharp.Kernels;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Generation.Batching;

/// <summary>
/// Answers many requests at once with one model: requests join and leave between steps, prompts are computed in parts beside running answers, beginnings that prompts
/// share and pictures that were seen are computed once. Every request has its own seed, and gets the text it would get alone (up to the last bits of sums of other lengths).
/// </summary>
/// <remarks>Calls may come from any thread. The model must outlive the engine; it may be used beside it.</remarks>
public sealed class BatchingEngine : IGenerationEngine, IAsyncDisposable
{
    private const double MostOfFreeMemory = 0.3;

    private readonly EngineOptions _options;
    private readonly TimeProvider _clock;
    private readonly ConcurrentQueue<EngineSequence> _arrived = new();
    private readonly CausalLanguageModel _language;
    private readonly Scheduler _scheduler;
    private readonly PagePool _pool;
    private readonly ChunkBudget _budget;
    private readonly PagedKeyValueCache _cache;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open;        // requests that have not ended
    private int _pumping;     // 1 while a step is queued on the model's thread
    private int _disposed;
    private EngineStatistics _statistics;
    private long _steps, _promptPositions, _reused, _generated, _savedPictures;

    /// <summary>Starts an engine.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How it works.</param>
    /// <exception cref="GenerationException">An option is out of range.</exception>
    public BatchingEngine(LlavaModel model, EngineOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (Model, _options) = (model, options ?? new EngineOptions());
        _options.Validate();
        _clock = _options.Clock;
        _language = model.Checkpoint.Network.Language;
        var config = model.Config;
        var isCpu = model.Checkpoint.Device.type == TorchSharp.DeviceType.CPU;
        // on a CPU, our own kernel attends over pages in place; integers of 16 bits cost a tenth of a thousandth
        var format = _options.CacheFormat ?? (isCpu && _language.CacheFormat == KeyValueFormat.Dense ? KeyValueFormat.Integer16 : _language.CacheFormat);
        if (format != KeyValueFormat.Dense && !isCpu)
            throw new GenerationException($"The cache of keys and values is kept as integers on CPUs only; the device is {model.Device}. Leave {nameof(EngineOptions.CacheFormat)} out.");
        var bits = format == KeyValueFormat.Integer8 ? CacheBits.Eight : CacheBits.Sixteen;
        var page = _options.PagePositions * (format == KeyValueFormat.Dense
            ? 2L * config.NumKeyValueHeads * config.HeadDim * (model.Checkpoint.Type == ScalarType.Float32 ? sizeof(float) : sizeof(short))
            : KeyValueStore.PositionBytes(config.NumKeyValueHeads, config.HeadDim, bits));   // of one layer
        var wanted = (long)PagesOf(model.ContextLength) * _options.MaxRunning;
        var pages = _options.CacheBytes is { } bytes ? bytes / (page * config.NumHiddenLayers) : PagesThatFit(model.Checkpoint.Devices, page, config.NumHiddenLayers);
        Pages = (int)Math.Clamp(pages, 1, Math.Min(wanted, int.MaxValue));
        _pool = new PagePool(Pages);
        _budget = new ChunkBudget(_options.Stretch, _options.MinChunk, _options.MaxChunk);
        _scheduler = new Scheduler(_pool, _options.PagePositions, _options.MaxRunning, _budget);
        _cache = PagedKeyValueCache.Create(_language.Layers, format, Pages, _options.PagePositions);
        _statistics = new(0, 0, 0, Pages, 0, 0, 0, 0, 0, 0);
    }

    /// <inheritdoc/>
    public LlavaModel Model { get; }

    /// <summary>The pages of the cache of keys and values.</summary>
    public int Pages { get; }

    /// <summary>The most positions that prompt and answer of one request may take: the context's, or all pages'.</summary>
    public int MaxPositions => (int)Math.Min(Model.ContextLength, (long)Pages * _options.PagePositions);

    /// <summary>What it does and has done, as of the last step.</summary>
    public EngineStatistics Statistics => Volatile.Read(ref _statistics);

    /// <inheritdoc/>
    /// <exception cref="EngineBusyException">Too many requests wait, or this one waited for too long.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    public async IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Enter();
        EngineSequence sequence;
        try
        {
            // text and pixels are prepared where the caller is, not on the thread that computes
            sequence = await Task.Run(() => Create(request, abandoned.Token), cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Leave();
            throw;
        }
        _arrived.Enqueue(sequence);
        // the caller's cancellation is seen before the next step, also when nothing else goes on
        using var wake = abandoned.Token.Register(Pump);
        Pump();
        try
        {
            while (await sequence.Updates.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
                while (sequence.Updates.Reader.TryRead(out var update))
                    yield return update;
        }
        finally
        {
            await abandoned.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends all requests and frees the cache.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Pump();
        await _stopped.Task.ConfigureAwait(false);
    }

    // keys and values lie with their layers, so the device with the least room for its layers decides
    private static long PagesThatFit(DeviceMap devices, long layerBytes, int layers)
    {
        var rooms = DeviceMemory.Rooms(devices.Devices);
        return Enumerable.Range(0, layers).GroupBy(devices.Place).Min(here => (long)(MostOfFreeMemory * rooms[here.Key].Free) / (layerBytes * here.Count()));
    }

    private int PagesOf(int positions) => (positions + _options.PagePositions - 1) / _options.PagePositions;

    private void Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (Interlocked.Increment(ref _open) <= _options.MaxRunning + _options.MaxWaiting)
            return;
        Leave();
        throw new EngineBusyException($"{_options.MaxRunning + _options.MaxWaiting} requests are being answered or wait already. Ask again later.");
    }

    private void Leave() => Interlocked.Decrement(ref _open);

    private EngineSequence Create(GenerationRequest request, CancellationToken cancellation)
    {
        var settings = request.Options.Resolve(Model.Checkpoint.Defaults);
        if (settings.NumBeams > 1)
            throw new GenerationException("The batching engine knows no beam search. Generate with one beam, or ask the model itself.");
        var adapter = Model.Checkpoint.Adapters.Find(request.Adapter, Model.Name);
        var ids = Model.EncodePrompt(request.Prompt, request.Images.Count, request.AddSpecialTokens);
        var pixels = Model.PreparePixels(request.Images, adapter);
        var prompt = Model.CountPrompt(ids, pixels);
        if (prompt >= MaxPositions)
            throw new ContextLengthException(prompt, MaxPositions);
        settings = settings with { MaxNewTokens = Math.Min(settings.MaxNewTokens, MaxPositions - prompt) };
        // keys that change with the sequence's length are of no use to another length
        var mayShare = _options.PrefixCache && prompt + settings.MaxNewTokens <= _language.StableLength;
        return new(Model, request, settings, ids, pixels, prompt, mayShare, adapter, cancellation) { Arrived = _clock.GetTimestamp() };
    }

    // one step at a time is queued, so that other work on the model's thread gets its turn, too
    private void Pump()
    {
        if (Interlocked.CompareExchange(ref _pumping, 1, 0) != 0)
            return;
        try
        {
            _ = Model.Thread.Run(Turn);
        }
        catch (ObjectDisposedException)
        {
            _stopped.TrySetResult();   // the model went first, and its thread with all that ran there
        }
    }

    private bool Turn()
    {
        var more = false;
        try
        {
            more = Step();
        }
        catch (Exception exception)
        {
            // the step's tensors are unusable; the next requests begin afresh
            foreach (var sequence in _scheduler.All.Cast<EngineSequence>().ToArray())
                Fail(sequence, exception);
        }
        Volatile.Write(ref _pumping, 0);
        if (_disposed != 0)
            Stop();
        else if (more || !_arrived.IsEmpty)
            Pump();
        return true;
    }

    private void Stop()
    {
        while (_arrived.TryDequeue(out var sequence))
            _scheduler.Add(sequence);
        foreach (var sequence in _scheduler.All.Cast<EngineSequence>().ToArray())
            Fail(sequence, new ObjectDisposedException(nameof(BatchingEngine), "The engine was disposed."));
        _cache.Dispose();
        _stopped.TrySetResult();
    }

    private bool Step()
    {
        if (_disposed != 0)
            return false;
        using var noGradient = no_grad();
        while (_arrived.TryDequeue(out var arrived))
            _scheduler.Add(arrived);
        Sweep();
        if (_scheduler.IsIdle)
            return Publish(false);
        var plan = _scheduler.Plan();
        if (plan.Prepare is EngineSequence next)
            Prepare(next, beside: plan.Items.Count > 0);
        if (plan.Items.Count > 0)
            Compute(plan);
        return Publish(!_scheduler.IsIdle);
    }

    // ends what nobody waits for any more
    private void Sweep()
    {
        foreach (var sequence in _scheduler.All.Cast<EngineSequence>().ToArray())
        {
            if (sequence.Cancellation.IsCancellationRequested)
                Fail(sequence, new OperationCanceledException(sequence.Cancellation));
            else if (!sequence.WasAdmitted && _options.QueueTimeout is { } limit && _clock.GetElapsedTime(sequence.Arrived) > limit)
                Fail(sequence, new EngineBusyException($"The request waited for more than {limit.TotalSeconds:0.#} seconds. Ask again later."));
            else if (sequence.Settings.MaxNewTokens == 0)
                Finish(sequence);
        }
    }

    private void Prepare(EngineSequence sequence, bool beside)
    {
        var begun = _clock.GetTimestamp();
        try
        {
            while (Encode(sequence) && !beside)
            {
            }
        }
        catch (Exception exception)
        {
            Fail(sequence, exception);
            return;
        }
        sequence.ImageSeconds += _clock.GetElapsedTime(begun).TotalSeconds;
    }

    // one step on the way to a prompt's embeddings; false when they are there
    private bool Encode(EngineSequence sequence)
    {
        using var scope = NewDisposeScope();
        var (checkpoint, network) = (Model.Checkpoint, Model.Checkpoint.Network);
        for (var i = 0; i < sequence.Pixels.Count; i++)
        {
            if (sequence.Features[i] is not null)
                continue;
            if (sequence.Encoding is null && Model.Features.Find(sequence.Hashes[i]) is { } held)
            {
                sequence.Features[i] = held.DetachFromDisposeScope();
                sequence.SavedPictures++;
                _savedPictures++;
                continue;
            }
            sequence.Encoding ??= new(network, sequence.Pixels[i], checkpoint.Type, checkpoint.Device, Model.PixelRounding, sequence.Adapter?.Projector);
            if (sequence.Encoding.Advance() is not { } features)
                return true;
            sequence.Encoding.Dispose();
            sequence.Encoding = null;
            sequence.Features[i] = features;
            Model.Features.Keep(sequence.Hashes[i], features, shared: false);
        }
        var prompt = network.Merge([sequence.Ids], null, [.. sequence.Features.Select(features => features!)], checkpoint.Device, compatibility: Model.Quirks);
        sequence.SetPrompt(prompt, _clock.GetTimestamp());
        return false;
    }

    private void Compute(StepPlan plan)
    {
        var begun = _clock.GetTimestamp();
        var logits = Forward(plan, out var finishing);
        _scheduler.Complete(plan);
        _budget.Report(plan.Generating, plan.PromptPositions, _clock.GetElapsedTime(begun).TotalSeconds);
        _steps++;
        _promptPositions += plan.PromptPositions;
        var width = _language.VocabularySize;
        for (var i = 0; i < finishing.Count; i++)
            Choose(finishing[i], logits.AsSpan(i * width, width));
    }

    // the logits of the sequences that have reached their end, one behind the other [n * V]
    private float[] Forward(StepPlan plan, out List<EngineSequence> finishing)
    {
        using var scope = NewDisposeScope();
        var device = Model.Checkpoint.Device;
        finishing = [];
        var rows = new KeyValueRow[plan.Items.Count];
        var (pieces, last, positions, single) = (new List<Tensor>(), new List<long>(), new List<long>(), new List<long>());
        for (var i = 0; i < rows.Length; i++)
        {
            var (sequence, start, count) = plan.Items[i];
            rows[i] = new(start, count);
            var end = start + count;
            var prompt = ((EngineSequence)sequence).Prompt!.Embeddings;
            if (start < sequence.PromptLength)
            {
                Flush();
                pieces.Add(prompt.narrow(1, start, Math.Min(end, sequence.PromptLength) - start));             // [1, t, C]
            }
            for (var at = Math.Max(start, sequence.PromptLength); at < end; at++)
                single.Add(sequence.Id(at));
            for (var at = start; at < end; at++)
                positions.Add(at);
            if (!plan.Items[i].ReachesEnd)
                continue;
            finishing.Add((EngineSequence)sequence);
            last.Add(positions.Count - 1);
        }
        Flush();
        _cache.Begin(rows, [.. plan.Items.Select(item => item.Sequence.PromptLength)], [.. plan.Items.Select(item => item.Sequence.Pages)]);
        var embeddings = pieces.Count == 1 ? pieces[0] : cat(pieces, 1);                                         // [1, T, C]
        var selection = Model.Checkpoint.Adapters.Selection;
        Tensor hidden;                                                                                          // [1, T, C]
        using (selection.Each(plan.Items.Select(item => (((EngineSequence)item.Sequence).Adapter?.Index, item.Count))))
            hidden = _language.Forward(embeddings, tensor([.. positions], [1, positions.Count], device: device), null, _cache);
        if (last.Count == 0)
            return [];
        using var ending = selection.Each(finishing.Select(sequence => (sequence.Adapter?.Index, 1)));
        var ends = hidden.index_select(1, tensor([.. last], device: hidden.device));                                  // [1, n, C]
        return _language.Logits(ends).to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();

        // generated tokens that follow each other in the row are embedded together
        void Flush()
        {
            if (single.Count > 0)
                pieces.Add(_language.Embed(tensor([.. single], [1, single.Count], device: device)));
            single.Clear();
        }
    }

    private void Choose(EngineSequence sequence, Span<float> logits)
    {
        try
        {
            var goesOn = sequence.Choose(logits);
            var now = _clock.GetTimestamp();
            _generated++;
            if (sequence.LastToken is { } before)
            {
                _options.Observer?.Token(_clock.GetElapsedTime(before, now));
            }
            else
            {
                sequence.FirstToken = now;
                _reused += sequence.Reused;
                _options.Observer?.FirstToken(_clock.GetElapsedTime(sequence.Arrived, now));
            }
            sequence.LastToken = now;
            if (!goesOn)
                Finish(sequence);
        }
        catch (Exception exception)
        {
            Fail(sequence, exception);
        }
    }

    private void Finish(EngineSequence sequence)
    {
        End(sequence);
        var now = _clock.GetTimestamp();
        var first = sequence.FirstToken ?? now;
        var timings = new GenerationTimings(
            sequence.ImageSeconds, _clock.GetElapsedTime(sequence.Prepared ?? first, first).TotalSeconds, _clock.GetElapsedTime(first, now).TotalSeconds);
        var result = sequence.Finish(timings);
        _options.Observer?.Finished(result);
    }

    private void Fail(EngineSequence sequence, Exception reason)
    {
        End(sequence);
        _options.Observer?.Ended(reason);
        sequence.Updates.Writer.TryComplete(reason);
    }

    private void End(EngineSequence sequence)
    {
        _scheduler.Remove(sequence);
        sequence.Dispose();
        Leave();
    }

    private bool Publish(bool more)
    {
        var statistics = new EngineStatistics(
            _scheduler.Running.Count, _scheduler.Waiting, _pool.Count - _pool.Free, _pool.Count, _steps, _promptPositions, _reused, _generated, _scheduler.Preemptions, _savedPictures);
        Volatile.Write(ref _statistics, statistics);
        _options.Observer?.Stepped(statistics);
        return more;
    }
}
