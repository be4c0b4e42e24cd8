using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>The values that tensors have before any training. What a tensor gets depends on the seed and its name alone, not on the order of the requests.</summary>
public abstract class TensorInitializer(long seed)
{
    /// <summary>The values of a tensor that no checkpoint holds.</summary>
    /// <param name="name">Its full name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="inputs">The number of inputs of the layer it belongs to; for a bias, those of its weight.</param>
    /// <returns>Float32 of that shape, or null when there is no rule for that name.</returns>
    public abstract Tensor? Create(string name, long[] shape, long inputs);

    /// <summary>Normally distributed values around zero.</summary>
    protected Tensor Normal(string name, long[] shape, double deviation)
    {
        using var generator = NewGenerator(name);
        return empty(shape, ScalarType.Float32).normal_(0, deviation, generator);
    }

    /// <summary>Evenly distributed values from -bound to bound.</summary>
    protected Tensor Uniform(string name, long[] shape, double bound)
    {
        using var generator = NewGenerator(name);
        return empty(shape, ScalarType.Float32).uniform_(-bound, bound, generator);
    }

    // FNV-1a over the name, so that every tensor has numbers of its own
    private Generator NewGenerator(string name)
    {
        var hash = 14695981039346656037UL ^ (ulong)seed;
        foreach (var c in name)
            hash = (hash ^ c) * 1099511628211UL;
        return new Generator(hash & long.MaxValue);
    }
}
