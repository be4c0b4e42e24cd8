using LlavaSharp.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Weights whose linear layers can have adapters: each slot that one of them names gets an <see cref="AdaptedLinear"/> over the layer that was there.</summary>
/// <param name="inner">What holds the tensors.</param>
/// <param name="adapters">The matrices of each adapter, and its name for messages.</param>
/// <param name="type">The type of computation.</param>
/// <param name="selection">Which rows ask for which.</param>
internal sealed class AdaptedLinears(IWeightSource inner, IReadOnlyList<(string Name, LoraAdapter Files)> adapters, ScalarType type, AdapterSelection selection) : IWeightSource, IDisposable
{
    private readonly List<LowRank> _made = [];
    private readonly HashSet<string> _slots = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    DeviceMap? IWeightSource.Devices => inner.Devices;

    /// <inheritdoc/>
    public bool Contains(string name) => inner.Contains(name);

    /// <inheritdoc/>
    public Tensor Get(string name, params ReadOnlySpan<long> shape) => inner.Get(name, shape);

    /// <inheritdoc/>
    public Embedding Embedding(string path, long rows, long width) => inner.Embedding(path, rows, width);

    /// <inheritdoc/>
    public Linear Linear(string path, long inputs, long outputs, bool bias)
    {
        var layer = inner.Linear(path, inputs, outputs, bias);
        var position = LayerPosition.Of(path);
        // what is computed for pictures before the language model is not told rows apart
        if (position is { Layer: null, IsEnd: false })
            return layer;
        var name = $"{path}.weight";
        _slots.Add(name);
        var added = adapters.Select(adapter => Make(adapter.Name, adapter.Files.Weights.GetValueOrDefault(name))).ToArray();
        return added.All(weight => weight is null) ? layer : new AdaptedLinear(layer, added, selection);

        LowRank? Make(string adapter, LoraWeight? weight)
        {
            if (weight is null)
                return null;
            if (weight.A.Shape[1] != inputs || weight.B.Shape[0] != outputs)
                throw new CheckpointException(
                    $"The adapter '{adapter}' has matrices {TensorShape.Describe(weight.B.Shape)} and {TensorShape.Describe(weight.A.Shape)} for '{name}', which do not fit {TensorShape.Describe([outputs, inputs])}. It belongs to another model.", weight.A.File, name);
            var made = new LowRank(weight, type, inner.Devices?.Of(path) ?? CPU);
            _made.Add(made);
            return made;
        }
    }

    /// <summary>Fails when an adapter changes what is no linear layer of the language model, once a network has asked for all it has.</summary>
    /// <exception cref="CheckpointException">Names what it changes.</exception>
    public void Verify()
    {
        foreach (var (name, files) in adapters)
            if (files.Weights.Keys.Where(weight => !_slots.Contains(weight)).Order(StringComparer.Ordinal).ToArray() is { Length: > 0 } others)
                throw new CheckpointException(
                    $"The adapter '{name}' changes {others[0]}{(others.Length > 1 ? $" and {others.Length - 1} more" : "")}, which {(others.Length > 1 ? "are" : "is")} no linear layer of this language model: by request only those can be changed. Load the adapter by itself (--model-path {files.Folder} --model-base ...).", files.Folder, others[0]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var weight in _made)
            weight.Dispose();
        _made.Clear();
    }
}
