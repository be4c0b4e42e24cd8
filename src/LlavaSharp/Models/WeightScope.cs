using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A place in a checkpoint's tree of names, so that a tensor's name stands next to the layer that owns it.</summary>
public readonly record struct WeightScope(IWeightSource Source, string Path = "")
{
    /// <summary>The scope below this one.</summary>
    public WeightScope this[string name] => new(Source, Path.Length == 0 ? name : $"{Path}.{name}");

    /// <summary>The scope of the layer with that index.</summary>
    public WeightScope this[int index] => this[index.ToString(System.Globalization.CultureInfo.InvariantCulture)];

    /// <summary>The tensor that bears this scope's own name.</summary>
    public Tensor Tensor(params ReadOnlySpan<long> shape) => Source.Get(Path, shape);

    /// <summary>Whether a tensor of this scope's own name exists.</summary>
    public bool Exists => Source.Contains(Path);

    /// <summary>The linear layer in this slot.</summary>
    public Linear Linear(long inputs, long outputs, bool bias) => Source.Linear(Path, inputs, outputs, bias);

    /// <summary>The token embeddings in this slot.</summary>
    public Embedding Embedding(long rows, long width) => Source.Embedding(Path, rows, width);

    /// <summary>The layer norm in this slot.</summary>
    public LayerNorm LayerNorm(long width, double epsilon, bool bias = true) =>
        new(this["weight"].Tensor(width), bias ? this["bias"].Tensor(width) : null, epsilon);

    /// <summary>The root-mean-square norm in this slot.</summary>
    public RmsNorm RmsNorm(long width, double epsilon) => new(this["weight"].Tensor(width), epsilon);
}
