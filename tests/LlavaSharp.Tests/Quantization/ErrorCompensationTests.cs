using System.Runtime.InteropServices;
using LlavaSharp.Kernels;
using LlavaSharp.Native;
using LlavaSharp.Quantization;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Quantization;

public sealed unsafe class ErrorCompensationTests
{
    public ErrorCompensationTests() => TorchRuntime.Initialize();

    [Theory]
    [InlineData(48, 96)]
    [InlineData(33, 150)]   // neither fills its last block
    public void Put_InputsThatDependOnEachOther_HalvesTheErrorOfTheOutput(int rows, int inputs)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var weight = randn(rows, inputs);
        var mixing = randn(inputs / 4, inputs);
        var x = randn(600, inputs / 4).matmul(mixing).Plus(randn(600, inputs).mul_(Scalars.Of(0.3)));          // [n, K]
        var nearest = Error(weight, x, (layout, data) => WeightQuantizer.Put(layout, data, (float*)TorchAbi.DataPointer(weight), []));
        var compensated = Error(weight, x, (layout, data) => ErrorCompensation.Put(layout, data, weight, x.t().matmul(x)));
        Assert.InRange(nearest, 0.02, 0.2);
        Assert.InRange(compensated, 0, 0.5 * nearest);
    }

    [Fact]
    public void Put_InputsThatWereNeverSeen_AreRoundedToTheNearest()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        var weight = randn(16, 64);
        var unseen = Restored(weight, (layout, data) => ErrorCompensation.Put(layout, data, weight, zeros(64, 64)));
        Assert.InRange(unseen.Minus(weight).norm().ToSingle() / weight.norm().ToSingle(), 0.02, 0.15);
    }

    private static float Error(Tensor weight, Tensor x, Put put)
    {
        var wanted = x.matmul(weight.t());                                                                     // [n, N]
        return x.matmul(Restored(weight, put).t()).Minus(wanted).norm().ToSingle() / wanted.norm().ToSingle();
    }

    private static Tensor Restored(Tensor weight, Put put)
    {
        var (rows, inputs) = ((int)weight.shape[0], (int)weight.shape[1]);
        var layout = WeightQuantizer.Layout(rows, inputs, WeightBits.Four, weight.abs().max().ToSingle());
        var data = (byte*)NativeMemory.AlignedAlloc((nuint)layout.Bytes, 64);
        try
        {
            put(layout, data);
            var restored = new float[rows * inputs];
            Span<sbyte> values = stackalloc sbyte[PackedLayout.GroupInputs];
            for (var i = 0; i < restored.Length; i++)
            {
                var (row, column) = (i / inputs, i % inputs);
                var scale = layout.Get(data + row / PackedLayout.BlockRows * layout.BlockBytes, row % PackedLayout.BlockRows, column / PackedLayout.GroupInputs, values);
                restored[i] = layout.ToSingle(scale) * values[column % PackedLayout.GroupInputs];
            }
            return tensor(restored, [rows, inputs]);
        }
        finally
        {
            NativeMemory.AlignedFree(data);
        }
    }

    private delegate void Put(PackedLayout layout, byte* data);
}
