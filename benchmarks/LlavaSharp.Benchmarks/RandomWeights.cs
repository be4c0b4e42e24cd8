using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Benchmarks;

/// <summary>Weights of the right shapes with small random values.</summary>
internal sealed class RandomWeights : IWeightSource
{
    public Dictionary<string, Tensor> Made { get; } = [];

    public bool Contains(string name) => true;

    public Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        if (!Made.TryGetValue(name, out var tensor))
            Made[name] = tensor = (shape.Length == 1 ? ones(shape.ToArray()) : empty(shape.ToArray()).uniform_(-0.02, 0.02)).DetachFromDisposeScope();
        return tensor;
    }
}
