using LlavaSharp.Checkpoints.Formula;
using LlavaSharp.Generation;
using LlavaSharp.Kernels;
using LlavaSharp.Models;
using LlavaSharp.Native;
using LlavaSharp.Prompts;
using static TorchSharp.torch;

namespace LlavaSharp.Benchmarking.Subjects;

/// <summary>LlavaSharp itself: the networks that answer questions, over weights in any form.</summary>
internal sealed class NetworkSubject : IBenchSubject
{
    private readonly BenchShape _shape;
    private readonly IBenchWeights _weights;
    private readonly Dictionary<int, (KeyValueCache Cache, int[] Ids)> _held = [];   // by number of sequences
    private BenchNetwork? _network;
    private Tensor? _pixels;   // [1, 3, S, S]

    /// <summary>Chooses what is measured; nothing is loaded yet.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">How the weights are held.</param>
    /// <param name="threads">How many threads libtorch computes with.</param>
    public NetworkSubject(BenchShape shape, IBenchWeights weights, int threads)
    {
        (_shape, _weights) = (shape, weights);
        TorchRuntime.Initialize();
        set_num_threads(threads);
        KernelThreads.SetShared(threads);
    }

    /// <inheritdoc/>
    public string Name => _weights.Name;

    /// <inheritdoc/>
    public int Bits => _weights.Bits;

    /// <inheritdoc/>
    public double StepBytes => _network?.StepBytes ?? 0;

    /// <inheritdoc/>
    public double PositionBytes => _network is null ? 0 : _network.CacheNumberBytes * ShapeArithmetic.CacheNumbers(_shape.Config);

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<int>> LastTokens { get; private set; } = [];

    private LlavaNetwork Network => (_network ?? throw new InvalidOperationException("No model is loaded.")).Network;

    private CausalLanguageModel Language => Network.Language;

    /// <summary>The picture that all measurements see: [1, 3, S, S] by the formula of golden/full-size.</summary>
    public static Tensor Pixels(BenchShape shape)
    {
        TorchRuntime.Initialize();
        long side = shape.Tower.ImageSize, channels = shape.Tower.NumChannels;
        var values = new float[channels * side * side];
        FormulaNumbers.Uniform("pixel_values", 0, 0, values);
        foreach (ref var value in values.AsSpan())
            value = 4 * (value - 0.5f);
        return tensor(values, [1, channels, side, side]);
    }

    /// <inheritdoc/>
    public double Load()
    {
        Forget();
        return Timing.Seconds(() => _network = _weights.Load(_shape));
    }

    /// <inheritdoc/>
    public double Prefill(IReadOnlyList<int> ids)
    {
        using var noGradient = no_grad();
        using var cache = new KeyValueCache(Language.Layers, Language.CacheFormat);
        return Timing.Seconds(() => Step([.. ids], 1, cache));
    }

    /// <inheritdoc/>
    public double Decode(IReadOnlyList<int> ids, IReadOnlyList<int> first, int steps)
    {
        using var noGradient = no_grad();
        var cache = Hold([.. ids], first.Count);
        cache.Truncate(ids.Count);
        int[] tokens = [.. first];
        var chosen = new int[steps][];
        LastTokens = chosen;
        return Timing.Seconds(() =>
        {
            for (var step = 0; step < steps; step++)
                chosen[step] = tokens = Step(tokens, first.Count, cache);
        }) / steps;
    }

    /// <inheritdoc/>
    public double EncodeImage()
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _pixels ??= Pixels(_shape).DetachFromDisposeScope();
        return Timing.Seconds(() => Network.Encode(_pixels).sum().ToSingle());
    }

    /// <inheritdoc/>
    public double Answer(IReadOnlyList<int> question, int tokens)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _pixels ??= Pixels(_shape).DetachFromDisposeScope();
        return Timing.Seconds(() =>
        {
            var features = Network.Encode(_pixels);                                                                      // [1, P, C]
            using var merged = Network.Merge([[LlavaConstants.ImageTokenIndex, .. question]], null, [features[0]], CPU);
            var generator = new TextGenerator(Language, [], null);                                                       // no token ends it
            generator.Generate(merged, new GenerationOptions { Temperature = 0, MaxNewTokens = tokens }.Resolve());
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Forget();
        _pixels?.Dispose();
    }

    private void Forget()
    {
        foreach (var (cache, _) in _held.Values)
            cache.Dispose();
        _held.Clear();
        _network?.Dispose();
        _network = null;
    }

    // the cache of so many sequences with the same context
    private KeyValueCache Hold(int[] ids, int sequences)
    {
        if (_held.TryGetValue(sequences, out var held))
        {
            if (held.Ids.AsSpan().SequenceEqual(ids))
                return held.Cache;
            held.Cache.Dispose();
        }
        var cache = new KeyValueCache(Language.Layers, Language.CacheFormat);
        Step(ids, 1, cache);
        if (sequences > 1)
            cache.Reorder(new long[sequences]);   // every row is the first
        _held[sequences] = (cache, ids);
        return cache;
    }

    // the next tokens, greedily: ids are as many for each row
    private int[] Step(int[] ids, int rows, KeyValueCache cache)
    {
        using var scope = NewDisposeScope();
        var length = ids.Length / rows;
        var input = tensor(ids.Select(id => (long)id).ToArray(), [rows, length]);                                        // [B, T]
        var positions = arange(Scalars.Of(cache.Length), Scalars.Of(cache.Length + length), ScalarType.Int64).unsqueeze(0);    // [1, T]
        var hidden = Language.Forward(Language.Embed(input), positions, cache: cache);                                   // [B, T, C]
        var logits = Language.Logits(hidden.narrow(1, length - 1, 1)).squeeze(1);                                        // [B, V]
        return [.. logits.argmax(1).data<long>().ToArray().Select(id => (int)id)];
    }
}
