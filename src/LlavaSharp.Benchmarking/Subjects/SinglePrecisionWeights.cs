using LlavaSharp.Checkpoints.Formula;
using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Benchmarking.Subjects;

/// <summary>All weights in single precision, as a checkpoint loaded with <c>--dtype float32</c>.</summary>
internal sealed class SinglePrecisionWeights : IBenchWeights
{
    /// <inheritdoc/>
    public string Name => "float32";

    /// <inheritdoc/>
    public int Bits => 32;

    /// <inheritdoc/>
    public GgufType PeerMatrices => GgufType.F32;

    /// <inheritdoc/>
    public GgufType PeerOutput => GgufType.F32;

    /// <inheritdoc/>
    /// <exception cref="LlavaException">Too little memory is free.</exception>
    public BenchNetwork Load(BenchShape shape)
    {
        // in half precision first, then in single
        var bytes = (sizeof(float) + sizeof(ushort)) * shape.Tensors.Concat(shape.TowerTensors).Where(tensor => tensor.Required).Sum(tensor => tensor.Shape.Aggregate(1.0, (product, size) => product * size));
        if (MemoryInspector.Inspect().Free is var free && free < bytes)
            throw new LlavaException(FormattableString.Invariant($"The shape {shape} takes {bytes / 1e9:F1} GB in single precision, and {free / 1e9:F1} GB are free. Take fewer layers."));
        var (weights, own) = Convert(new FormulaTensors(shape.Tensors));
        var (tower, towerOwn) = Convert(new FormulaTensors(shape.TowerTensors));
        var network = new LlavaNetwork(shape.Config, shape.Tower, weights, new WeightScope(tower)["vision_model"]);
        foreach (var formula in new[] { own, towerOwn })
            foreach (var name in formula.Tensors.Keys)
                formula.Release(name);   // the copies in single precision are what computes
        return new(network, sizeof(float) * (ShapeArithmetic.LayerWeights(shape.Config) + ShapeArithmetic.OutputWeights(shape.Config)), sizeof(float), [weights, tower, own, towerOwn]);
    }

    private static (CheckpointWeights Weights, FormulaTensors Formula) Convert(FormulaTensors formula)
    {
        TorchRuntime.Initialize();
        return (new CheckpointWeights(formula.Tensors, ScalarType.Float32, CPU, checkFinite: false), formula);
    }
}
