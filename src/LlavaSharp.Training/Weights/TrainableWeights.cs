using LlavaSharp.Checkpoints;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>
/// The tensors of a network in training: float32 leaves of the graph by the original's parameter names, from checkpoints or, where those have
/// nothing, from an initialiser. Owns the tensors; the checkpoints must live until the network is built.
/// </summary>
public sealed class TrainableWeights : IWeightSource, IDisposable
{
    private readonly TensorInitializer? _initializer;
    private readonly Dictionary<string, StoredTensor> _stored = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];
    private readonly List<string> _initialized = [];

    /// <summary>Creates an empty set.</summary>
    /// <param name="initializer">Gives values to what no checkpoint holds; null: that is an error.</param>
    public TrainableWeights(TensorInitializer? initializer = null) => _initializer = initializer;

    /// <summary>The tensors that were asked for, in the order of the first request.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Tensors => _order.Select(name => new KeyValuePair<string, Tensor>(name, _tensors[name]));

    /// <summary>The tensors that are trained, in the same order.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Trained => Tensors.Where(t => t.Value.requires_grad);

    /// <summary>The names of the tensors whose values the initialiser made.</summary>
    public IReadOnlyList<string> Initialized => _initialized;

    /// <summary>Offers tensors of a checkpoint; a name that is offered twice takes the later one. Nothing is copied before a network asks.</summary>
    /// <param name="tensors">Stored tensors by the names under which they are asked for.</param>
    public void Offer(IEnumerable<KeyValuePair<string, StoredTensor>> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        foreach (var (name, tensor) in tensors)
            _stored[name] = tensor;
    }

    /// <inheritdoc/>
    public bool Contains(string name) => _tensors.ContainsKey(name) || _stored.ContainsKey(name);

    /// <inheritdoc/>
    /// <exception cref="CheckpointException">The tensor is missing, or has another shape.</exception>
    public Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        if (!_tensors.TryGetValue(name, out var tensor))
        {
            tensor = Create(name, shape.ToArray()).DetachFromDisposeScope();
            _tensors.Add(name, tensor);
            _order.Add(name);
        }
        if (!shape.SequenceEqual(tensor.shape))
            throw WrongShape(name, tensor.shape, shape.ToArray(), null);
        return tensor;
    }

    /// <summary>Decides what is trained: a tensor requires gradients when <paramref name="trained"/> says so of its name.</summary>
    public void Train(Func<string, bool> trained)
    {
        ArgumentNullException.ThrowIfNull(trained);
        foreach (var (name, tensor) in _tensors)
            tensor.requires_grad = trained(name);
    }

    /// <summary>Overwrites values, such as with those of the checkpoint that a run resumes from; names that no network asked for are passed over.</summary>
    /// <returns>The names that were overwritten.</returns>
    /// <exception cref="CheckpointException">A tensor has another shape.</exception>
    public IReadOnlySet<string> Overwrite(IEnumerable<KeyValuePair<string, StoredTensor>> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        using var noGradient = no_grad();
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, stored) in tensors)
        {
            if (!_tensors.TryGetValue(name, out var tensor))
                continue;
            if (!stored.Shape.AsSpan().SequenceEqual(tensor.shape))
                throw WrongShape(name, stored.Shape, tensor.shape, stored.File);
            using var scope = NewDisposeScope();
            tensor.copy_(StoredTensors.ToFloat32(stored));
            done.Add(name);
        }
        return done;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _tensors.Values)
            tensor.Dispose();
        _tensors.Clear();
        _order.Clear();
        _stored.Clear();
    }

    private Tensor Create(string name, long[] shape)
    {
        if (_stored.TryGetValue(name, out var stored))
        {
            if (!stored.Shape.AsSpan().SequenceEqual(shape))
                throw WrongShape(name, stored.Shape, shape, stored.File);
            return StoredTensors.ToFloat32(stored);
        }
        long[] weight = name.EndsWith(".bias", StringComparison.Ordinal) && _tensors.TryGetValue($"{name[..^5]}.weight", out var sibling) ? sibling.shape : shape;
        var inputs = weight.Length > 1 ? weight.AsSpan(1).ToArray().Aggregate(1L, (a, b) => a * b) : weight[0];
        var created = _initializer?.Create(name, shape, inputs)
            ?? throw new CheckpointException($"No checkpoint holds the tensor '{name}' [{string.Join(", ", shape)}]. Name the right base model, or start from random values (--random_init True).", tensor: name);
        _initialized.Add(name);
        return created;
    }

    private static CheckpointException WrongShape(string name, long[] found, long[] needed, string? file) =>
        new($"Tensor '{name}'{(file is null ? "" : $" of '{file}'")} has shape [{string.Join(", ", found)}], but the config asks for [{string.Join(", ", needed)}]. Config and weights do not belong together.", file, name);
}
