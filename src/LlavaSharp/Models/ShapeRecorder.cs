using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Notes which tensors a network asks for, without allocating any: the list of what a checkpoint must hold.</summary>
public sealed class ShapeRecorder : IWeightSource
{
    private readonly Dictionary<string, long[]> _shapes = new(StringComparer.Ordinal);

    /// <summary>Creates a recorder for which optional tensors exist as <paramref name="contains"/> says (null: none does).</summary>
    public ShapeRecorder(Func<string, bool>? contains = null)
    {
        Native.TorchRuntime.Initialize();
        _contains = contains ?? (_ => false);
    }

    private readonly Func<string, bool> _contains;

    /// <summary>Every tensor asked for, with its shape, in the order of asking.</summary>
    public IReadOnlyDictionary<string, long[]> Shapes => _shapes;

    /// <inheritdoc/>
    public bool Contains(string name) => _contains(name);

    /// <inheritdoc/>
    public Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        _shapes[name] = shape.ToArray();
        return empty(shape.ToArray(), device: META);
    }
}
