using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Weights whose linear layers somebody sees, or replaces, before a network gets them.</summary>
/// <param name="inner">What holds the tensors.</param>
/// <param name="wrap">What sits in a slot, from its path and the layer that <paramref name="inner"/> puts there.</param>
internal sealed class WrappedLinears(IWeightSource inner, Func<string, Linear, Linear> wrap) : IWeightSource
{
    /// <inheritdoc/>
    DeviceMap? IWeightSource.Devices => inner.Devices;

    /// <inheritdoc/>
    public bool Contains(string name) => inner.Contains(name);

    /// <inheritdoc/>
    public Tensor Get(string name, params ReadOnlySpan<long> shape) => inner.Get(name, shape);

    /// <inheritdoc/>
    public Embedding Embedding(string path, long rows, long width) => inner.Embedding(path, rows, width);

    /// <inheritdoc/>
    public Linear Linear(string path, long inputs, long outputs, bool bias) => wrap(path, inner.Linear(path, inputs, outputs, bias));
}
