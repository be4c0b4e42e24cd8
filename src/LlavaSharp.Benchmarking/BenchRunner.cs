using LlavaSharp.Benchmarking.Machine;
using LlavaSharp.Benchmarking.Peer;
using LlavaSharp.Benchmarking.Report;
using LlavaSharp.Benchmarking.Subjects;
using LlavaSharp.Checkpoints.Formula;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Benchmarking;

/// <summary>Measures a shape: the machine first, then LlavaSharp and its peers by turns.</summary>
/// <remarks>All of it runs on the caller's thread, which waits while the other program computes: tensors stay on one thread, and nothing else runs meanwhile.</remarks>
internal sealed class BenchRunner
{
    private readonly BenchOptions _options;
    private readonly MachineLimits _machine;
    private readonly CancellationToken _cancellation;
    private readonly int[] _prompt;
    private readonly int[] _context;
    private readonly int[] _first;
    private readonly int[] _question;

    /// <summary>Prepares a run.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="machine">The machine's limits.</param>
    /// <param name="cancellation">Ends the run between two measurements.</param>
    public BenchRunner(BenchOptions options, MachineLimits machine, CancellationToken cancellation)
    {
        (_options, _machine, _cancellation) = (options, machine, cancellation);
        var ids = Ids(Math.Max(options.PromptTokens, options.ContextTokens));
        (_prompt, _context) = (ids[..options.PromptTokens], ids[..options.ContextTokens]);
        _first = [.. Enumerable.Range(0, options.Sequences).Select(i => ids[i % ids.Length])];
        _question = ids[..Math.Max(1, options.PromptTokens - options.Shape.Tower.PatchCount)];
    }

    /// <summary>Measures the machine, then each form of the weights.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="forms">The forms of the weights.</param>
    /// <param name="cancellation">Ends the run between two measurements.</param>
    /// <exception cref="LlavaException">The measurement makes no sense, or a peer cannot be installed or used.</exception>
    public static BenchReport Run(BenchOptions options, IReadOnlyList<IBenchWeights> forms, CancellationToken cancellation)
    {
        options.Validate();
        var installation = options.Peer ? LlamaCppInstallation.EnsureAsync(options.Notice, cancellationToken: cancellation).GetAwaiter().GetResult() : null;
        options.Notice?.Invoke("Measuring what the machine can do at best.");
        var machine = MachineLimits.Measure(options.Threads);
        var runner = new BenchRunner(options, machine, cancellation);
        var results = new List<BenchResult>();
        string? peerName = null;
        foreach (var form in forms)
        {
            using var subject = new NetworkSubject(options.Shape, form, options.Threads);
            if (installation is null)
            {
                results.AddRange(runner.Measure(subject, null, null));
                continue;
            }
            var file = PeerModelFile.Ensure(options.Shape, form.PeerMatrices, form.PeerOutput, options.Notice);
            using var llamaCpp = new LlamaCppSubject(installation, file, options, cancellation);
            results.AddRange(runner.Measure(subject, llamaCpp, () => CreateTower(options.Shape)));
            peerName ??= llamaCpp.Description;
        }
        return new(options, machine, peerName, results);
    }

    /// <summary>Measures one form of the weights.</summary>
    /// <param name="subject">LlavaSharp.</param>
    /// <param name="peer">The other side; null: there is none.</param>
    /// <param name="tower">Makes the tower of the other side, once memory was measured; null: there is none.</param>
    public IReadOnlyList<BenchResult> Measure(IBenchSubject subject, IBenchPeer? peer, Func<TransformersTower>? tower)
    {
        Say($"{_options.Shape}, {subject.Name}: loading");
        // the second time files are in memory and code is compiled
        var (load, firstToken, peerLoad) = (0.0, 0.0, (double?)null);
        for (var time = 0; time < 2; time++)
        {
            load = subject.Load();
            firstToken = load + subject.Prefill(_prompt);
            peerLoad = peer?.Load();
        }
        subject.Decode(_context, _first[..1], 1);
        peer?.Prefill(_prompt);
        peer?.Decode(_context, _first[..1], 1);
        var (memory, peerMemory) = ((double)Environment.WorkingSet, peer?.Memory());

        using var otherTower = tower?.Invoke();
        var pixels = NetworkSubject.Pixels(_options.Shape);
        var image = new BenchSamples(subject.EncodeImage, otherTower is null ? null : () => Encode(otherTower, pixels));
        var prefill = new BenchSamples(() => subject.Prefill(_prompt), peer is null ? null : () => peer.Prefill(_prompt));
        var decode = new BenchSamples(() => subject.Decode(_context, _first[..1], _options.Steps), peer is null ? null : () => peer.Decode(_context, _first[..1], _options.Steps));
        var batch = new BenchSamples(() => subject.Decode(_context, _first, _options.Steps), peer is null ? null : () => peer.Decode(_context, _first, _options.Steps));
        var answer = new BenchSamples(() => subject.Answer(_question, _options.AnswerTokens), null);
        for (var round = -1; round < _options.Rounds; round++)
        {
            Say(round < 0 ? $"{_options.Shape}, {subject.Name}: warming up" : $"{_options.Shape}, {subject.Name}: round {round + 1} of {_options.Rounds}");
            foreach (var samples in new[] { image, prefill, decode, batch, answer })
            {
                _cancellation.ThrowIfCancellationRequested();
                samples.Take(oursFirst: round % 2 == 0, keep: round >= 0);
            }
        }
        pixels.Dispose();
        // what both sides decoded last was the batch
        var results = Results(subject, image, prefill, decode, batch, answer, load, firstToken, peerLoad, memory, peerMemory);
        return peer is null ? [.. results] : [.. results, new($"{BenchNames.SameTokens}_{subject.Name}", SameTokens(subject.LastTokens, peer.LastTokens), "share")];
    }

    private IEnumerable<BenchResult> Results(
        IBenchSubject subject, BenchSamples image, BenchSamples prefill, BenchSamples decode, BenchSamples batch, BenchSamples answer,
        double load, double firstToken, double? peerLoad, double memory, double? peerMemory)
    {
        var (shape, tokens, sequences) = (_options.Shape, _options.PromptTokens, _options.Sequences);
        var peak = subject.Bits <= 8 ? _machine.Int8Peak : _machine.Float32Peak;
        var context = _options.ContextTokens + _options.Steps / 2.0;   // in the middle of the steps
        double bytes = subject.StepBytes + context * subject.PositionBytes, batchBytes = subject.StepBytes + sequences * context * subject.PositionBytes;

        yield return BenchResult.Compare(Name(BenchNames.ImageEncode), 1e3 * image.Ours, "ms", 1e3 * image.Peer, Goal(BenchNames.ImageEncode), 1e3 * ShapeArithmetic.Image(shape) / peak);
        yield return BenchResult.Compare(Name(BenchNames.Prefill), tokens / prefill.Ours, "tokens/s", tokens / prefill.Peer, Goal(BenchNames.Prefill), tokens * peak / ShapeArithmetic.Prefill(shape.Config, tokens));
        yield return BenchResult.Compare(Name(BenchNames.Decode), 1 / decode.Ours, "tokens/s", 1 / decode.Peer, Goal(BenchNames.Decode), _machine.ReadBandwidth / bytes);
        var bandwidth = bytes / decode.Ours;
        yield return new(Name(BenchNames.DecodeBandwidth), bandwidth / 1e9, "GB/s", null, bandwidth / _machine.ReadBandwidth, Goal(BenchNames.DecodeBandwidth), _machine.ReadBandwidth / 1e9);
        yield return BenchResult.Compare(Name(BenchNames.DecodeBatch), sequences / batch.Ours, "tokens/s", sequences / batch.Peer, null, sequences * _machine.ReadBandwidth / batchBytes);
        var speedup = sequences * decode.Ours / batch.Ours;
        yield return new(Name(BenchNames.BatchSpeedup), speedup, "x", null, speedup, Goal(BenchNames.BatchSpeedup));
        yield return BenchResult.Compare(Name(BenchNames.Load), load, "s", peerLoad);
        yield return new(Name(BenchNames.FirstToken), firstToken, "s", null, (1.5 * prefill.Ours + 1) / firstToken, Goal(BenchNames.FirstToken));
        // the other side's parts, with its tower in plain libtorch
        yield return BenchResult.Compare(Name(BenchNames.Answer), answer.Ours, "s", image.Peer + prefill.Peer + _options.AnswerTokens * decode.Peer, Goal(BenchNames.Answer));
        yield return BenchResult.Compare(Name(BenchNames.Memory), memory / 1e9, "GB", peerMemory / 1e9);

        string Name(string measurement) => $"{measurement}_{subject.Name}";
        double? Goal(string measurement) => BenchGoals.Find(measurement, subject.Bits);
    }

    private static double SameTokens(IReadOnlyList<IReadOnlyList<int>> ours, IReadOnlyList<IReadOnlyList<int>> theirs) =>
        ours.Zip(theirs).SelectMany(step => step.First.Zip(step.Second, (a, b) => a == b ? 1.0 : 0)).DefaultIfEmpty().Average();

    private static double Encode(TransformersTower tower, Tensor pixels)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        return Timing.Seconds(() => tower.Forward(pixels).sum().ToSingle());
    }

    private static TransformersTower CreateTower(BenchShape shape)
    {
        var formula = new FormulaTensors([.. shape.TowerTensors, .. shape.Tensors]);
        var weights = new CheckpointWeights(formula.Tensors, ScalarType.Float32, CPU, checkFinite: false);
        return new(shape, weights, weights, formula);
    }

    // ids of the golden's formula, brought into the vocabulary; none is a control piece or a byte of the made-up vocabulary
    private int[] Ids(int count)
    {
        const int First = 259;
        var values = new float[count];
        FormulaNumbers.Uniform("input_ids", 0, 0, values);
        return [.. values.Select(u => First + (int)(u * (_options.Shape.Config.VocabSize - First)))];
    }

    private void Say(string what) => _options.Notice?.Invoke(what);
}
