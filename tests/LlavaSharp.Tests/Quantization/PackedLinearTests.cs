using LlavaSharp.Kernels;
using LlavaSharp.Native;
using LlavaSharp.Quantization;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Quantization;

public sealed unsafe class PackedLinearTests
{
    public PackedLinearTests() => TorchRuntime.Initialize();

    [Theory]
    [InlineData(4, 0.01, 0.12)]
    [InlineData(8, 0.001, 0.012)]
    public void Forward_RandomWeights_IsNearTheDenseProduct(int bits, double least, double most)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var weight = randn(70, 300).mul_(Scalars.Of(0.05));
        var bias = randn(70);
        var x = randn(2, 3, 300);
        using var packed = new Packed(weight, (WeightBits)bits);
        var found = new PackedLinear(packed.Matrix, bias).Forward(x);
        var wanted = nn.functional.linear(x, weight, bias);
        Assert.Equal([2, 3, 70], found.shape);
        Assert.InRange(found.Minus(wanted).norm().ToSingle() / wanted.Minus(bias).norm().ToSingle(), least, most);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 48, false)]
    [InlineData(ScalarType.Float32, 45, true)]
    [InlineData(ScalarType.BFloat16, 45, true)]
    public void ForwardAdded_BiasAndResidual_IsTheirSumBitForBit(ScalarType type, int outputs, bool transposed)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        manual_seed(3);
        using var packed = new Packed(randn(outputs, 96), WeightBits.Four);
        var linear = new PackedLinear(packed.Matrix, randn(outputs));
        var x = randn(9, 96).to(type);
        // what does not lie in order is read by libtorch, not by the kernels
        var residual = transposed ? randn(outputs, 9).to(type).t() : randn(9, outputs).to(type);
        Assert.Equal(residual.Plus(linear.Forward(x)).to(ScalarType.Float32).data<float>().ToArray(), linear.ForwardAdded(x, residual).to(ScalarType.Float32).data<float>().ToArray());
    }

    [Fact]
    public void Forward_OneTokenOfMany_GivesTheSameBits()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var packed = new Packed(randn(33, 96), WeightBits.Four);
        var linear = new PackedLinear(packed.Matrix, null);
        var x = randn(11, 96);
        var all = linear.Forward(x);
        for (var i = 0; i < 11; i++)
            Assert.Equal(all[i].data<float>().ToArray(), linear.Forward(x[i]).data<float>().ToArray());
    }

    [Fact]
    public void Forward_Float16Input_GivesFloat16()
    {
        using var scope = NewDisposeScope();
        using var packed = new Packed(randn(16, 32), WeightBits.Eight);
        Assert.Equal(ScalarType.Float16, new PackedLinear(packed.Matrix, null).Forward(randn(1, 32).to(ScalarType.Float16)).dtype);
    }

    [Fact]
    public void Forward_NoToken_IsEmpty()
    {
        using var scope = NewDisposeScope();
        using var packed = new Packed(randn(16, 32), WeightBits.Four);
        Assert.Equal([0, 16], new PackedLinear(packed.Matrix, null).Forward(zeros(0, 32)).shape);
    }

    [Fact]
    public void Forward_WrongWidth_NamesBoth()
    {
        using var scope = NewDisposeScope();
        using var packed = new Packed(randn(16, 32), WeightBits.Four);
        var error = Assert.Throws<ArgumentException>(() => new PackedLinear(packed.Matrix, null).Forward(zeros(1, 33)));
        Assert.Contains("33", error.Message);
        Assert.Contains("32", error.Message);
    }

    [Fact]
    public void Forward_TinyWeights_AreOffByHalfOfTheSmallestScaleAtMost()
    {
        using var scope = NewDisposeScope();
        var weight = randn(16, 32).mul_(Scalars.Of(1e-5));
        using var packed = new Packed(weight, WeightBits.Four);
        var identity = eye(32);
        var restored = new PackedLinear(packed.Matrix, null).Forward(identity).t();
        Assert.InRange(restored.Minus(weight).abs().max().ToSingle(), 0, 3.1e-5);
    }

    [Fact]
    public void PutRow_Importance_LowersTheErrorThatCounts()
    {
        var random = new Random(3);
        var layout = new PackedLayout(16, 32, WeightBits.Four);
        double plain = 0, weighted = 0;
        for (var round = 0; round < 200; round++)
        {
            var row = Enumerable.Range(0, 32).Select(_ => (random.NextSingle() - 0.5f) * 0.1f).ToArray();
            var importance = Enumerable.Range(0, 32).Select(i => i < 4 ? 100f : 0.01f).ToArray();
            plain += Error(layout, row, [], importance);
            weighted += Error(layout, row, importance, importance);
        }
        Assert.True(weighted < 0.7 * plain, $"{weighted} is not far below {plain}");
    }

    private static double Error(PackedLayout layout, float[] row, float[] importance, float[] counts)
    {
        var data = new byte[layout.Bytes];
        fixed (byte* first = data)
        {
            WeightQuantizer.PutRow(layout, first, 5, row, importance);
            var values = new sbyte[32];
            var scale = (float)layout.Get(first, 5, 0, values);
            return row.Select((weight, i) => counts[i] * Math.Pow(weight - scale * values[i], 2)).Sum();
        }
    }

    private sealed class Packed : IDisposable
    {
        private readonly byte[] _data;

        public Packed(Tensor weight, WeightBits bits)
        {
            var layout = new PackedLayout((int)weight.shape[0], (int)weight.shape[1], bits);
            _data = GC.AllocateArray<byte>((int)layout.Bytes, pinned: true);
            var values = weight.data<float>().ToArray();
            fixed (byte* first = _data)
            {
                for (var row = 0; row < layout.Rows; row++)
                    WeightQuantizer.PutRow(layout, first, row, values.AsSpan(row * layout.Inputs, layout.Inputs), []);
                Matrix = new PackedMatrix(layout, first);
            }
        }

        public PackedMatrix Matrix { get; }

        public void Dispose() => GC.KeepAlive(_data);
    }
}
