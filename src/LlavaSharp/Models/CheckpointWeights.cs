using LlavaSharp.Checkpoints;
using LlavaSharp.IO;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>
/// The tensors of a checkpoint, in the type and on the device of computation. Where the stored type is already right, a tensor is a view of the
/// mapped file and costs no memory. What is missing or has the wrong shape is collected, and <see cref="Verify"/> lists it.
/// </summary>
internal sealed class CheckpointWeights : IWeightSource, IDisposable
{
    private const double NewRowDeviation = 0.02;   // initializer_range of the original's language models

    private readonly ScalarType _type;
    private readonly Device _device;
    private readonly bool _checkFinite;
    private readonly List<IReadOnlyDictionary<string, StoredTensor>> _layers = [];
    private readonly Dictionary<string, Tensor> _loaded = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];
    private readonly HashSet<string> _misShaped = new(StringComparer.Ordinal);
    private readonly HashSet<string> _viaHalf = new(StringComparer.Ordinal);
    private LoraAdapter? _adapter;
    private (string[] Names, int Declared, int Wanted)? _vocabulary;

    /// <param name="tensors">The checkpoint's tensors.</param>
    /// <param name="type">The type of computation.</param>
    /// <param name="device">The device of computation.</param>
    /// <param name="checkFinite">Read every tensor once and refuse NaN and infinity.</param>
    public CheckpointWeights(IReadOnlyDictionary<string, StoredTensor> tensors, ScalarType type, Device device, bool checkFinite)
    {
        (_type, _device, _checkFinite) = (type, device, checkFinite);
        _layers.Add(tensors);
    }

    /// <summary>Tensors that take the place of those of the same name.</summary>
    /// <param name="tensors">By name.</param>
    /// <param name="viaHalf">Round to float16 first, as the original does with a projector's file.</param>
    public void Overlay(IReadOnlyDictionary<string, StoredTensor> tensors, bool viaHalf = false)
    {
        _layers.Insert(0, tensors);
        if (viaHalf)
            _viaHalf.UnionWith(tensors.Keys);
    }

    /// <summary>An adapter that is merged into the weights it names: W + scale B A. What it replaces whole, and what was trained beside it, takes precedence.</summary>
    public void Merge(LoraAdapter adapter)
    {
        _adapter = adapter;
        Overlay(adapter.NonLoraTrainables);
        Overlay(adapter.Replacements);
    }

    /// <summary>The named embeddings are stored with <paramref name="declared"/> rows and get <paramref name="wanted"/>, as the tokenizer has tokens.</summary>
    public void ResizeVocabulary(IEnumerable<string> names, int declared, int wanted) => _vocabulary = ([.. names], declared, wanted);

    /// <inheritdoc/>
    public bool Contains(string name) => Find(name) is not null;

    /// <inheritdoc/>
    public Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        if (_loaded.TryGetValue(name, out var held))
            return held;
        var wanted = shape.ToArray();
        if (_vocabulary is { } resize && resize.Names.Contains(name))
            wanted[0] = resize.Declared;
        if (Find(name) is not { } stored)
            return Problem($"missing: {name} {TensorShape.Describe(wanted)}", shape);
        if (!stored.Shape.AsSpan().SequenceEqual(wanted))
        {
            _misShaped.Add(name);
            return Problem($"wrong shape: {name} is {TensorShape.Describe(stored.Shape)}, not {TensorShape.Describe(wanted)} ({Path.GetFileName(stored.File)})", shape);
        }
        if (_adapter is not null && _adapter.Weights.TryGetValue(name, out var low) && !Fits(low, stored))
            return Problem($"wrong shape: the adapter's matrices for {name} are {TensorShape.Describe(low.B.Shape)} and {TensorShape.Describe(low.A.Shape)}, which do not fit {TensorShape.Describe(stored.Shape)} ({Path.GetFileName(low.A.File)})", shape);
        if (_checkFinite && stored.FindNonFinite() is >= 0 and var bad)
            throw new CheckpointException($"Tensor '{name}' of '{stored.File}' holds a value that is not finite (element {bad}). The file is damaged or the training diverged: fetch or train it again.", stored.File, name);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var value = StoredTensorViews.View(stored);
        if (_viaHalf.Contains(name))
            value = value.to(ScalarType.Float16);
        if (_adapter?.Weights.GetValueOrDefault(name) is { } added)
            value = Merged(value, added);
        value = value.to(_type, _device);
        if (_vocabulary is { } rows && rows.Wanted != rows.Declared && rows.Names.Contains(name))
            value = Resize(value, rows.Wanted, name);
        value = value.DetachFromDisposeScope();
        _loaded[name] = value;
        return value;
    }

    /// <summary>Fails when a tensor was missing, had the wrong shape, or was asked for by nobody.</summary>
    /// <param name="folder">The checkpoint, for the message.</param>
    /// <param name="mayRemain">Which tensors nobody need ask for.</param>
    /// <exception cref="CheckpointException">Lists everything that is wrong.</exception>
    public void Verify(string folder, Func<string, bool> mayRemain)
    {
        foreach (var name in _layers.SelectMany(layer => layer.Keys).Distinct().Order(StringComparer.Ordinal))
            if (!_loaded.ContainsKey(name) && !_misShaped.Contains(name) && !mayRemain(name))
                _problems.Add($"unexpected: {name} {TensorShape.Describe(Find(name)!.Shape)}");
        foreach (var name in (_adapter?.Weights.Keys ?? []).Order(StringComparer.Ordinal))
            if (!_loaded.ContainsKey(name) && Find(name) is null && !mayRemain(name))
                _problems.Add($"unexpected: the adapter changes {name}, which the model does not have");
        if (_problems.Count == 0)
            return;
        const int Shown = 20;
        var more = _problems.Count > Shown ? $"\n  and {_problems.Count - Shown} more (llava inspect --json lists all)" : "";
        throw new CheckpointException(
            $"The weights of '{folder}' do not fit its config.json ({_problems.Count} tensor{(_problems.Count == 1 ? "" : "s")}):\n  {string.Join("\n  ", _problems.Take(Shown))}{more}\nFetch the checkpoint again, or correct config.json.", folder);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var value in _loaded.Values)
            value.Dispose();
        _loaded.Clear();
    }

    private StoredTensor? Find(string name)
    {
        foreach (var layer in _layers)
            if (layer.TryGetValue(name, out var tensor))
                return tensor;
        return null;
    }

    private Tensor Problem(string what, ReadOnlySpan<long> shape)
    {
        _problems.Add(what);
        // stands in only until Verify fails: no memory is taken
        return empty(shape.ToArray(), device: META);
    }

    private static bool Fits(LoraWeight low, StoredTensor weight) =>
        weight.Shape is [var outputs, var inputs] && low.B.Shape[0] == outputs && low.A.Shape[1] == inputs;

    private static Tensor Merged(Tensor weight, LoraWeight low)
    {
        var b = StoredTensorViews.View(low.B).to(ScalarType.Float32);                    // [out, r]
        var a = StoredTensorViews.View(low.A).to(ScalarType.Float32);                    // [r, in]
        return weight.to(ScalarType.Float32, copy: true).addmm_(b, a, 1, (float)low.Scale);   // [out, in]
    }

    private static Tensor Resize(Tensor value, int rows, string name)
    {
        if (rows < value.shape[0])
            return value.narrow(0, 0, rows);
        using var generator = new Generator(Crc32.Append(0, System.Text.Encoding.UTF8.GetBytes(name)), CPU);
        var added = randn([rows - value.shape[0], value.shape[1]], ScalarType.Float32, CPU, generator: generator).mul_(Scalars.Of(NewRowDeviation));
        return cat([value, added.to(value.dtype, value.device)], 0);   // [rows, C]
    }
}
