using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>Computes each layer of a quantised model beside that of its reference, on the reference's inputs.</summary>
internal sealed class LayerComparison
{
    /// <summary>The path of the output matrix, which tied embeddings have no slot for.</summary>
    public const string Output = "lm_head";

    private readonly Dictionary<string, Linear> _quantized = new(StringComparer.Ordinal);
    private readonly List<(string Path, Sum Sum)> _sums = [];
    private readonly Sum _output = new();

    /// <summary>The type in which the quantised model computes.</summary>
    public ScalarType Type { get; set; }

    /// <summary>Errors so far of the layers that were reached.</summary>
    public IReadOnlyList<LayerError> Errors =>
        [.. _sums.Append((Path: Output, Sum: _output)).Where(layer => layer.Sum.IsReached).Select(layer => new LayerError(layer.Path, layer.Sum.Relative))];

    /// <summary>Takes note of a layer of the quantised model.</summary>
    public Linear Keep(string path, Linear layer) => _quantized[path] = layer;

    /// <summary>Puts both layers into a slot of the reference.</summary>
    public Linear Compare(string path, Linear layer)
    {
        if (path == Output || !_quantized.TryGetValue(path, out var other))
            return layer;
        var sum = new Sum();
        _sums.Add((path, sum));
        return new Pair(layer, other, sum, this);
    }

    /// <summary>Adds outputs of the output matrices on the same hidden states.</summary>
    public void AddOutput(Tensor wanted, Tensor found) => _output.Add(wanted, found);

    private sealed class Pair(Linear reference, Linear quantized, Sum sum, LayerComparison owner) : Linear
    {
        public override Tensor Forward(Tensor x)
        {
            var wanted = reference.Forward(x);                                     // [..., N]
            using var scope = NewDisposeScope();
            sum.Add(wanted, quantized.Forward(x.to(owner.Type)));
            return wanted;
        }
    }

    private sealed class Sum
    {
        private double _errors;
        private double _sizes;

        public bool IsReached { get; private set; }

        public double Relative => _errors == 0 ? 0 : Math.Sqrt(_errors / _sizes);

        public void Add(Tensor wanted, Tensor found)
        {
            using var scope = NewDisposeScope();
            double error = wanted.Minus(found.to(wanted.dtype)).norm().ToSingle(), size = wanted.norm().ToSingle();
            (_errors, _sizes, IsReached) = (_errors + error * error, _sizes + size * size, true);
        }
    }
}
