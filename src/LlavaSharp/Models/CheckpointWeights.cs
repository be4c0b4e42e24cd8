using LlavaSharp.Checkpoints;
using LlavaSharp.IO;
using LlavaSharp.Kernels;
using LlavaSharp.Native;
using LlavaSharp.Quantization;
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
    private DeviceMap _devices;
    private readonly bool _checkFinite;
    private readonly List<IReadOnlyDictionary<string, StoredTensor>> _layers = [];
    private readonly Dictionary<string, Tensor> _loaded = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];
    private readonly HashSet<string> _misShaped = new(StringComparer.Ordinal);
    private readonly HashSet<string> _viaHalf = new(StringComparer.Ordinal);
    private readonly HashSet<string> _usedPacked = new(StringComparer.Ordinal);
    private readonly List<IDisposable> _layersOwned = [];
    private LargePages? _largePages;
    private LoraAdapter? _adapter;
    private (string[] Names, int Declared, int Wanted)? _vocabulary;

    /// <param name="tensors">The checkpoint's tensors.</param>
    /// <param name="type">The type of computation.</param>
    /// <param name="device">The device of computation.</param>
    /// <param name="checkFinite">Read every tensor once and refuse NaN and infinity.</param>
    public CheckpointWeights(IReadOnlyDictionary<string, StoredTensor> tensors, ScalarType type, Device device, bool checkFinite)
    {
        (_type, _devices, _checkFinite) = (type, new(device), checkFinite);
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
    DeviceMap? IWeightSource.Devices => _devices;

    /// <summary>Spreads the tensors over several devices, before the first one is asked for.</summary>
    public void Spread(DeviceMap devices) => _devices = devices;

    /// <summary>The bytes that each tensor will take.</summary>
    public IEnumerable<(string Name, long Bytes)> Sizes() => _layers.SelectMany(layer => layer.Keys).Distinct().Select(name => (name, Size(name, Find(name)!)));

    /// <summary>The form that linear layers get which are stored dense; dense by default.</summary>
    public QuantizedForm Form { get; init; }

    /// <summary>Whether packed matrices are copied into large pages, not used where they lie in the mapped file.</summary>
    public bool InLargePages { get; init; }

    /// <summary>Whether the checkpoint holds packed matrices; its embeddings then stay in the type of the file.</summary>
    public bool IsPacked => _isPacked ??= _layers.Any(layer => layer.Values.Any(PackedHeader.IsPacked));

    private bool? _isPacked;

    /// <inheritdoc/>
    public bool Contains(string name) => Find(name) is not null;

    /// <inheritdoc/>
    public Linear Linear(string path, long inputs, long outputs, bool bias)
    {
        var name = $"{path}.weight";
        var stored = Find(name);
        if (stored is not null && PackedHeader.IsPacked(stored))
            return Packed(name, stored, inputs, outputs, bias ? Get($"{path}.bias", outputs) : null);
        // the output matrix stays as it is, as in bitsandbytes' use by the original
        if (Form == QuantizedForm.None || path == "lm_head" || stored is null || !Matches(stored, outputs, inputs))
            return new DenseLinear(Get(name, outputs, inputs), bias ? Get($"{path}.bias", outputs) : null);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        // bitsandbytes quantises what lies in float16
        var weight = Make(name, stored).to(ScalarType.Float16);                            // [N, K]
        _usedPacked.Add(name);
        var biasTensor = bias ? Get($"{path}.bias", outputs) : null;
        Linear layer = Form == QuantizedForm.NormalFloat4 ? new NormalFloat4Linear(weight, biasTensor, _devices.Of(path)) : new OutlierInt8Linear(weight, biasTensor, _devices.Of(path));
        _layersOwned.Add((IDisposable)layer);
        return layer;
    }

    /// <inheritdoc/>
    public Embedding Embedding(string path, long rows, long width)
    {
        var name = $"{path}.weight";
        if (!IsPacked || Find(name) is not { } stored || !Matches(stored, rows, width))
            return new Embedding(Get(name, rows, width));
        // the table is looked up, not multiplied: a view of the file serves as well
        if (!_loaded.TryGetValue(name, out var table))
            _loaded[name] = table = StoredTensorViews.View(stored).DetachFromDisposeScope();
        return new Embedding(table, _type);
    }

    /// <summary>The sizes of the tensors whose names contain a text, by name.</summary>
    public IEnumerable<(string Name, long[] Shape)> Named(string part) =>
        _layers.SelectMany(layer => layer.Keys).Distinct().Where(name => name.Contains(part, StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(name => (name, Find(name)!.Shape));

    /// <summary>The format in which a tensor is stored; float32 for one that an adapter changes, null when there is none.</summary>
    public StoredDataType? StoredType(string name) => _adapter?.Weights.ContainsKey(name) == true ? StoredDataType.Float32 : Find(name)?.DataType;

    /// <summary>A matrix or vector as computation would see it, in float32 on the CPU; the caller disposes it.</summary>
    /// <exception cref="CheckpointException">It is missing or has another shape.</exception>
    public Tensor Fresh(string name, params ReadOnlySpan<long> shape)
    {
        var wanted = shape.ToArray();
        var stored = Find(name) ?? throw new CheckpointException($"The checkpoint lacks tensor '{name}' {TensorShape.Describe(wanted)}.", tensor: name);
        var declared = _vocabulary is { } rows && rows.Names.Contains(name) ? [rows.Declared, .. wanted[1..]] : wanted;
        if (!Matches(stored, declared))
            throw new CheckpointException($"Tensor '{name}' of '{stored.File}' is {TensorShape.Describe(stored.Shape)}, not {TensorShape.Describe(declared)}.", stored.File, name);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return Make(name, stored).to(ScalarType.Float32, CPU).contiguous().MoveToOuterDisposeScope();
    }

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
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return _loaded[name] = Make(name, stored).to(_type, _devices.Of(name)).DetachFromDisposeScope();
    }

    /// <summary>Fails when a tensor was missing, had the wrong shape, or was asked for by nobody.</summary>
    /// <param name="folder">The checkpoint, for the message.</param>
    /// <param name="mayRemain">Which tensors nobody need ask for.</param>
    /// <exception cref="CheckpointException">Lists everything that is wrong.</exception>
    public void Verify(string folder, Func<string, bool> mayRemain)
    {
        foreach (var name in _layers.SelectMany(layer => layer.Keys).Distinct().Order(StringComparer.Ordinal))
            if (!_loaded.ContainsKey(name) && !_usedPacked.Contains(name) && !_misShaped.Contains(name) && !mayRemain(name))
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
        foreach (var layer in _layersOwned)
            layer.Dispose();
        _layersOwned.Clear();
        foreach (var value in _loaded.Values)
            value.Dispose();
        _loaded.Clear();
        _largePages?.Dispose();
    }

    // the value of a stored tensor before it gets the type of computation: rounded, merged and resized as the checkpoint's parts ask
    private Tensor Make(string name, StoredTensor stored)
    {
        if (_checkFinite && stored.FindNonFinite() is >= 0 and var bad)
            throw new CheckpointException($"Tensor '{name}' of '{stored.File}' holds a value that is not finite (element {bad}). The file is damaged or the training diverged: fetch or train it again.", stored.File, name);
        var value = StoredTensorViews.View(stored);
        if (_viaHalf.Contains(name))
            value = value.to(ScalarType.Float16);
        if (_adapter?.Weights.GetValueOrDefault(name) is { } added)
            value = Merged(value, added);
        if (_vocabulary is { } rows && rows.Wanted != rows.Declared && rows.Names.Contains(name))
            value = Resize(value.to(_type, _devices.Of(name)), rows.Wanted, name);
        return value;
    }

    private PackedLinear Packed(string name, StoredTensor stored, long inputs, long outputs, Tensor? bias)
    {
        _usedPacked.Add(name);
        if (_devices.First.type != TorchSharp.DeviceType.CPU)
            throw new LlavaException($"'{stored.File}' holds matrices packed for CPUs; they cannot be used on {_devices}. Load the checkpoint it was made from, with --load-4bit or --load-8bit, or use --device cpu.");
        if (_adapter?.Weights.ContainsKey(name) == true)
            throw new CheckpointException($"The adapter changes '{name}', which '{stored.File}' holds packed. Use the checkpoint it was made from as the base, with --load-4bit or --load-8bit.", stored.File, name);
        var header = PackedHeader.Read(stored);
        if (header.Layout.Rows != outputs || header.Layout.Inputs != inputs)
        {
            _problems.Add($"wrong shape: {name} is packed {TensorShape.Describe([header.Layout.Rows, header.Layout.Inputs])}, not {TensorShape.Describe([outputs, inputs])} ({Path.GetFileName(stored.File)})");
        }
        else if (_checkFinite)
            header.Verify(stored);
        unsafe
        {
            var data = stored.Pointer + PackedHeader.Size;
            if (InLargePages)
                data = (_largePages ??= new()).Copy(data, header.Layout.Bytes);
            return new PackedLinear(new PackedMatrix(header.Layout, data), bias);
        }
    }

    private long Size(string name, StoredTensor stored)
    {
        if (PackedHeader.IsPacked(stored))
            return stored.ByteLength;
        // NF4 has half a byte a weight and a scale for each 64 of them
        var quantized = stored.Shape.Length == 2 && LayerPosition.Of(name).Layer is not null;
        return (quantized ? Form : QuantizedForm.None) switch
        {
            QuantizedForm.NormalFloat4 => stored.ElementCount / 2 + stored.ElementCount / 16,
            QuantizedForm.OutlierInt8 => stored.ElementCount,
            _ => stored.ElementCount * (_type == ScalarType.Float32 ? sizeof(float) : sizeof(short)),
        };
    }

    private static bool Matches(StoredTensor stored, params ReadOnlySpan<long> shape) => stored.Shape.AsSpan().SequenceEqual(shape);

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
