using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>Notes which slots a network has, without reading a weight: what is multiplied can be packed, the rest cannot.</summary>
internal sealed class SlotRecorder(IWeightSource inner) : IWeightSource
{
    private readonly Dictionary<string, Slot> _slots = new(StringComparer.Ordinal);

    /// <summary>The tensors by name, in the order of asking.</summary>
    public IReadOnlyDictionary<string, Slot> Slots => _slots;

    /// <summary>A tensor that the network needs.</summary>
    /// <param name="Shape">Its sizes.</param>
    /// <param name="IsLinear">Whether it is the weight of a linear layer.</param>
    public readonly record struct Slot(long[] Shape, bool IsLinear);

    /// <inheritdoc/>
    public bool Contains(string name) => inner.Contains(name);

    /// <inheritdoc/>
    public Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        _slots[name] = new(shape.ToArray(), false);
        return empty(shape.ToArray(), device: META);
    }

    /// <inheritdoc/>
    public Linear Linear(string path, long inputs, long outputs, bool bias)
    {
        var weight = Get($"{path}.weight", outputs, inputs);
        _slots[$"{path}.weight"] = new([outputs, inputs], true);
        return new DenseLinear(weight, bias ? Get($"{path}.bias", outputs) : null);
    }
}
