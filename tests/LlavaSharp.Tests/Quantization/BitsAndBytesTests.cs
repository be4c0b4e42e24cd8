using LlavaSharp.Parity;
using LlavaSharp.Parity.Areas;
using LlavaSharp.Quantization;

namespace LlavaSharp.Tests.Quantization;

public sealed class BitsAndBytesTests
{
    [Fact]
    public void GoldenNumbers_AreReproduced()
    {
        using var output = new StringWriter();
        var run = new AreaRun(TestFiles.Golden(), "quantization", output);
        new QuantizationArea().Check(run);
        run.Finish();
        Assert.True(run.Failed == 0, output.ToString());
        Assert.InRange(run.Passed, 18, 100);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(129)]
    public void Quantize_AnyLength_ComesBackNearly(int length)
    {
        var random = new Random(length);
        var values = Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var restored = new float[length];
        NormalFloat4.Quantize(values, doubly: false).Dequantize(restored);
        for (var i = 0; i < length; i++)
            Assert.Equal(values[i], restored[i], 0.08);
    }
}
