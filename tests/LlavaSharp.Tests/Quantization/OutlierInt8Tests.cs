using LlavaSharp.Native;
using LlavaSharp.Quantization;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Quantization;

public sealed class OutlierInt8Tests
{
    public OutlierInt8Tests() => TorchRuntime.Initialize();

    // 127 / largest, rounded once, gives the other neighbour in each of the first two
    [Theory]
    [InlineData(1.01171875f, 63)]
    [InlineData(1.0927734375f, 64)]
    [InlineData(1f, 64)]
    public void Quantize_HalfOfTheLargest_RoundsAsTheReciprocalSays(float largest, int expected)
    {
        using var scope = NewDisposeScope();
        var quantized = OutlierInt8.Quantize(tensor(new[] { largest, largest / 2, -largest / 2, 0 }, [1, 4]), tensor(new[] { largest }));
        Assert.Equal([127, (sbyte)expected, (sbyte)-expected, 0], quantized.data<sbyte>().ToArray());
    }

    [Fact]
    public void Quantize_RowOfZeros_IsZero()
    {
        using var scope = NewDisposeScope();
        var quantized = OutlierInt8.Quantize(tensor(new[] { 0f, 0, 2, -1 }, [2, 2]), tensor(new[] { 0f, 2 }));
        Assert.Equal([0, 0, 127, -64], quantized.data<sbyte>().ToArray());
    }
}
