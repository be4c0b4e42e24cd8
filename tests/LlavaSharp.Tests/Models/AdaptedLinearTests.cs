using LlavaSharp.Checkpoints;
using LlavaSharp.Models;
using LlavaSharp.Tests.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Models;

public sealed class AdaptedLinearTests
{
    private const int Inputs = 6, Outputs = 5, Rank = 2, Adapters = 3;

    [Fact]
    public void Forward_RowsOfSeveral_EqualsEachRowByItself()
    {
        LlavaSharp.Native.TorchRuntime.Initialize();
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var (layer, weights, selection) = Create(folder, out var file);
        using var open = file;
        var random = new Random(4);
        for (var trial = 0; trial < 60; trial++)
        {
            (int? Adapter, int Count)[] sequences = [.. Enumerable.Range(0, random.Next(1, 7)).Select(_ => (random.Next(Adapters + 1) is < Adapters and var adapter ? adapter : (int?)null, random.Next(0, 4)))];
            var rows = sequences.SelectMany(sequence => Enumerable.Repeat(sequence.Adapter, sequence.Count)).ToArray();
            if (rows.Length == 0)
                continue;
            var (x, residual) = (randn(1, rows.Length, Inputs), randn(1, rows.Length, Outputs));
            Tensor together, added;
            using (selection.Each(sequences))
                (together, added) = (layer.Forward(x), layer.ForwardAdded(x, residual));
            Assert.Empty(selection.Rows);
            for (var i = 0; i < rows.Length; i++)
            {
                Tensor alone;
                using (selection.All(rows[i]))
                    alone = layer.Forward(x.narrow(1, i, 1));
                AssertClose(alone, together.narrow(1, i, 1));
                AssertClose(alone + residual.narrow(1, i, 1), added.narrow(1, i, 1));
                var expected = layer.Base.Forward(x.narrow(1, i, 1));
                // the second adapter leaves the layer alone
                if (rows[i] is { } adapter && weights[adapter] is var (a, b, scale) && adapter != 1)
                    expected += scale * x.narrow(1, i, 1).matmul(a.t()).matmul(b.t());
                AssertClose(expected, alone);
            }
        }
    }

    private static (AdaptedLinear Layer, (Tensor A, Tensor B, double Scale)[] Weights, AdapterSelection Selection) Create(TemporaryFolder folder, out SafetensorsFile file)
    {
        var matrices = Enumerable.Range(0, Adapters).Select(i => (A: randn(Rank, Inputs), B: randn(Outputs, Rank), Scale: 0.5 + i)).ToArray();
        SafetensorsWriter.Write(folder.At("a.safetensors"), matrices.SelectMany((matrix, i) => new[] { Write($"{i}.a", matrix.A), Write($"{i}.b", matrix.B) }));
        var opened = file = SafetensorsFile.Open(folder.At("a.safetensors"));
        var selection = new AdapterSelection();
        var low = matrices.Select((matrix, i) => i == 1 ? null : new LowRank(new("w", opened.Tensors[$"{i}.a"], opened.Tensors[$"{i}.b"], matrix.Scale), ScalarType.Float32, CPU)).ToArray();
        return (new(new DenseLinear(randn(Outputs, Inputs), randn(Outputs)), low, selection), matrices, selection);
    }

    private static TensorToWrite Write(string name, Tensor value) => TensorToWrite.FromSingles(name, value.shape, value.data<float>().ToArray());

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<float>(), 0, 1e-4);
    }
}
