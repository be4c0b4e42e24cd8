namespace LlavaSharp.Kernels.Tests;

public sealed unsafe class MatrixKernelsTests
{
    private const int Shapes = 10_000;

    public static TheoryData<string> Variants => [.. MatrixKernels.Available.Select(kernels => kernels.Name)];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Multiply_AnyShape_GivesTheBitsOfTheScalarKernels(string name)
    {
        var kernels = MatrixKernels.Choose(name);
        var random = new Random(20_260_101);
        using var one = new KernelThreads(1);
        for (var i = 0; i < Shapes; i++)
        {
            var bits = random.Next(2) == 0 ? WeightBits.Four : WeightBits.Eight;
            var layout = new PackedLayout(random.Next(1, 50), random.Next(1, 140), bits);
            using var memory = new UnalignedMemory(layout.Bytes, random.Next(64));
            Fill(layout, memory.Pointer, random);
            using var x = Activations(random.Next(8) == 0 ? random.Next(16, 40) : random.Next(1, 11), layout, random, random.Next(8) == 0);
            var wanted = Multiply(layout, memory.Pointer, new ScalarKernels(), x, one);
            var found = Multiply(layout, memory.Pointer, kernels, x, one);
            Assert.Equal(wanted.Select(BitsOf), found.Select(BitsOf));
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Multiply_LongRows_GivesTheBitsOfTheScalarKernels(string name)
    {
        // more groups than a piece of a tile holds
        var kernels = MatrixKernels.Choose(name);
        var random = new Random(77);
        using var one = new KernelThreads(1);
        for (var i = 0; i < Shapes / 10; i++)
        {
            var layout = new PackedLayout(random.Next(1, 50), random.Next(140, 1500), i % 2 == 0 ? WeightBits.Four : WeightBits.Eight, random.Next(-3, 4));
            using var memory = new UnalignedMemory(layout.Bytes, random.Next(64));
            Fill(layout, memory.Pointer, random);
            using var x = Activations(random.Next(1, 30), layout, random, random.Next(8) == 0);
            var wanted = Multiply(layout, memory.Pointer, new ScalarKernels(), x, one);
            var found = Multiply(layout, memory.Pointer, kernels, x, one);
            Assert.Equal(wanted.Select(BitsOf), found.Select(BitsOf));
        }
    }

    [Fact]
    public void Multiply_ActivationsForOtherBits_Throws()
    {
        var layout = new PackedLayout(16, 32, WeightBits.Four);
        using var memory = new UnalignedMemory(layout.Bytes, 0);
        using var x = Activations(1, layout with { Bits = WeightBits.Eight }, new Random(1), false);
        using var threads = new KernelThreads(1);
        Assert.Contains("8 bits", Assert.Throws<ArgumentException>(() => Multiply(layout, memory.Pointer, MatrixKernels.Current, x, threads)).Message);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Multiply_LargestSums_DoNotOverflow(string name)
    {
        // the largest sums that a group can have: nothing wraps around in 16 bits
        foreach (var (bits, weight) in new[] { (WeightBits.Four, -8), (WeightBits.Four, 7), (WeightBits.Eight, -128), (WeightBits.Eight, 127) })
        {
            foreach (var activation in new[] { -1f, 1f })
            {
                var layout = new PackedLayout(16, 64, bits);
                using var memory = new UnalignedMemory(layout.Bytes, 0);
                var values = Enumerable.Repeat((sbyte)weight, 32).ToArray();
                for (var row = 0; row < 16; row++)
                    for (var group = 0; group < 2; group++)
                        layout.Put(memory.Pointer, row, group, values, (Half)1);
                using var x = new QuantizedActivations();
                x.Resize(5, 64, bits);
                for (var token = 0; token < 5; token++)
                    x.Quantize(token, [.. Enumerable.Repeat(activation, 64)]);
                using var threads = new KernelThreads(1);
                var found = Multiply(layout, memory.Pointer, MatrixKernels.Choose(name), x, threads);
                Assert.All(found, value => Assert.Equal(weight * activation * 64, value, 1e-3 * Math.Abs(weight) * 64));
            }
        }
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(33)]
    [InlineData(5)]   // a single block: fewer than there are threads
    public void Multiply_SeveralThreads_GivesTheBitsOfOne(int rows)
    {
        var random = new Random(3);
        var layout = new PackedLayout(rows, 300, WeightBits.Four);
        using var memory = new UnalignedMemory(layout.Bytes, 16);
        Fill(layout, memory.Pointer, random);
        using var x = Activations(70, layout, random, false);
        using var one = new KernelThreads(1);
        using var several = new KernelThreads(4);
        Assert.Equal(
            Multiply(layout, memory.Pointer, MatrixKernels.Current, x, one).Select(BitsOf),
            Multiply(layout, memory.Pointer, MatrixKernels.Current, x, several).Select(BitsOf));
    }

    [Fact]
    public void Multiply_ManyTokens_GivesTheBitsOfEachAlone()
    {
        var random = new Random(4);
        var layout = new PackedLayout(40, 200, WeightBits.Eight);
        using var memory = new UnalignedMemory(layout.Bytes, 0);
        Fill(layout, memory.Pointer, random);
        var tokens = Enumerable.Range(0, 7).Select(_ => Enumerable.Range(0, 200).Select(_ => random.NextSingle() - 0.5f).ToArray()).ToArray();
        using var threads = new KernelThreads(1);
        using var all = new QuantizedActivations();
        all.Resize(7, 200, layout.Bits);
        for (var i = 0; i < 7; i++)
            all.Quantize(i, tokens[i]);
        var together = Multiply(layout, memory.Pointer, MatrixKernels.Current, all, threads);
        for (var i = 0; i < 7; i++)
        {
            using var alone = new QuantizedActivations();
            alone.Resize(1, 200, layout.Bits);
            alone.Quantize(0, tokens[i]);
            Assert.Equal(Multiply(layout, memory.Pointer, MatrixKernels.Current, alone, threads), together.Skip(i * 40).Take(40));
        }
    }

    [Theory]
    [InlineData(WeightBits.Four, float.NaN)]
    [InlineData(WeightBits.Four, float.PositiveInfinity)]
    [InlineData(WeightBits.Four, float.NegativeInfinity)]
    [InlineData(WeightBits.Eight, float.NaN)]
    [InlineData(WeightBits.Eight, float.PositiveInfinity)]
    [InlineData(WeightBits.Eight, float.NegativeInfinity)]
    internal void Multiply_ActivationNotFinite_MakesThatTokenNotANumberAndNoOther(WeightBits bits, float bad)
    {
        var random = new Random(5);
        foreach (var kernels in MatrixKernels.Available)
        {
            var layout = new PackedLayout(20, 100, bits);
            using var memory = new UnalignedMemory(layout.Bytes, 0);
            Fill(layout, memory.Pointer, random);
            using var x = new QuantizedActivations();
            x.Resize(5, 100, bits);
            for (var token = 0; token < 5; token++)
            {
                var values = Enumerable.Range(0, 100).Select(_ => random.NextSingle()).ToArray();
                if (token == 2)
                    values[99] = bad;
                x.Quantize(token, values);
            }
            using var threads = new KernelThreads(1);
            var found = Multiply(layout, memory.Pointer, kernels, x, threads);
            for (var i = 0; i < found.Length; i++)
                Assert.Equal(i / 20 == 2, float.IsNaN(found[i]));
        }
    }

    [Fact]
    public void Multiply_AgainstDoubles_IsAsNearAsEightBitsAllow()
    {
        var random = new Random(6);
        var layout = new PackedLayout(64, 512, WeightBits.Eight);
        using var memory = new UnalignedMemory(layout.Bytes, 0);
        var weights = Fill(layout, memory.Pointer, random);
        var input = Enumerable.Range(0, 512).Select(_ => random.NextSingle() * 2 - 1).ToArray();
        using var x = new QuantizedActivations();
        x.Resize(1, 512, layout.Bits);
        x.Quantize(0, input);
        using var threads = new KernelThreads(1);
        var found = Multiply(layout, memory.Pointer, MatrixKernels.Current, x, threads);
        double difference = 0, size = 0;
        for (var row = 0; row < 64; row++)
        {
            var exact = Enumerable.Range(0, 512).Sum(i => (double)weights[row, i] * input[i]);
            difference += Math.Pow(exact - found[row], 2);
            size += exact * exact;
        }
        Assert.InRange(Math.Sqrt(difference / size), 1e-6, 0.01);
    }

    [Fact]
    public void Choose_UnknownVariant_NamesThoseThatRunHere()
    {
        var error = Assert.Throws<NotSupportedException>(() => MatrixKernels.Choose("abacus"));
        Assert.Contains("scalar", error.Message);
    }

    [Fact]
    public void ToSingle_AnyNormalScale_IsItsValue()
    {
        for (var bits = 0; bits <= ushort.MaxValue; bits++)
        {
            var scale = BitConverter.UInt16BitsToHalf((ushort)bits);
            if (Half.IsNormal(scale))
                Assert.Equal((float)scale, new PackedLayout(16, 32, WeightBits.Four).ToSingle(scale));
        }
    }

    [Theory]
    [InlineData(WeightBits.Four)]
    [InlineData(WeightBits.Eight)]
    internal void Get_AfterPut_ReturnsTheValues(WeightBits bits)
    {
        var random = new Random(7);
        var layout = new PackedLayout(16, 96, bits);
        using var memory = new UnalignedMemory(layout.Bytes, 0);
        var wanted = new sbyte[16, 3][];
        for (var row = 0; row < 16; row++)
        {
            for (var group = 0; group < 3; group++)
            {
                wanted[row, group] = Values(bits, random);
                layout.Put(memory.Pointer, row, group, wanted[row, group], (Half)(row - group));
            }
        }
        var found = new sbyte[32];
        for (var row = 0; row < 16; row++)
        {
            for (var group = 0; group < 3; group++)
            {
                Assert.Equal((Half)(row - group), layout.Get(memory.Pointer, row, group, found));
                Assert.Equal(wanted[row, group], found);
            }
        }
    }

    private static int BitsOf(float value) => float.IsNaN(value) ? int.MaxValue : BitConverter.SingleToInt32Bits(value);

    private static float[] Multiply(PackedLayout layout, byte* data, MatrixKernels kernels, QuantizedActivations x, KernelThreads threads)
    {
        var results = new float[x.Tokens * layout.Rows];
        fixed (float* y = results)
            new PackedMatrix(layout, data, kernels).Multiply(x, y, threads);
        return results;
    }

    private static QuantizedActivations Activations(int tokens, PackedLayout layout, Random random, bool spoilt)
    {
        var x = new QuantizedActivations();
        x.Resize(tokens, layout.Inputs, layout.Bits);
        for (var token = 0; token < tokens; token++)
        {
            var values = Enumerable.Range(0, layout.Inputs).Select(_ => (random.NextSingle() - 0.5f) * MathF.Pow(10, random.Next(-3, 4))).ToArray();
            if (spoilt)
                values[random.Next(layout.Inputs)] = random.Next(3) switch { 0 => float.NaN, 1 => float.PositiveInfinity, _ => 1e-42f };
            x.Quantize(token, values);
        }
        return x;
    }

    private static sbyte[] Values(WeightBits bits, Random random) =>
        [.. Enumerable.Range(0, 32).Select(_ => (sbyte)(bits == WeightBits.Four ? random.Next(-8, 8) : random.Next(-127, 128)))];

    private static float[,] Fill(PackedLayout layout, byte* data, Random random)
    {
        new Span<byte>(data, (int)layout.Bytes).Clear();
        var weights = new float[layout.Blocks * 16, layout.Groups * 32];
        for (var row = 0; row < layout.Blocks * 16; row++)
        {
            for (var group = 0; group < layout.Groups; group++)
            {
                var values = Values(layout.Bits, random);
                var scale = (Half)((random.NextSingle() + 0.001f) * (random.Next(10) == 0 ? 1000 : 0.1f) * (random.Next(2) == 0 ? 1 : -1));
                layout.Put(data + row / 16 * layout.BlockBytes, row % 16, group, values, scale);
                for (var i = 0; i < 32; i++)
                    weights[row, group * 32 + i] = values[i] * (float)scale;
            }
        }
        return weights;
    }
}
