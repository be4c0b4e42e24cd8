using LlavaSharp.IO;
using System.Text;
using LlavaSharp.Checkpoints;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Models;

/// <summary>Random weights for any model, the same for the same seed and name; norms near one.</summary>
internal sealed class RandomWeights : IWeightSource, IDisposable
{
    private readonly uint _seed;
    private readonly Func<string, Tensor, Tensor>? _change;
    private readonly Dictionary<string, Tensor> _made = new(StringComparer.Ordinal);

    public RandomWeights(int seed, Func<string, Tensor, Tensor>? change = null)
    {
        TorchRuntime.Initialize();
        (_seed, _change) = ((uint)seed, change);
    }

    public bool Contains(string name) => false;

    public Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        if (_made.TryGetValue(name, out var held))
            return held;
        using var scope = NewDisposeScope();
        using var generator = new Generator(Crc32.Append(_seed, Encoding.UTF8.GetBytes(name)), CPU);
        var value = randn(shape.ToArray(), ScalarType.Float32, CPU, generator: generator);
        value = shape.Length == 1 ? value * 0.1 + (name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 1) : value / Math.Sqrt(shape[^1]);
        return _made[name] = (_change?.Invoke(name, value) ?? value).DetachFromDisposeScope();
    }

    public void Dispose()
    {
        foreach (var value in _made.Values)
            value.Dispose();
        _made.Clear();
    }
}
