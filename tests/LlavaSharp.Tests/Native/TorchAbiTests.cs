using System.Runtime.InteropServices;
using LlavaSharp.Native;
using TorchSharp;

namespace LlavaSharp.Tests.Native;

public sealed unsafe class TorchAbiTests
{
    static TorchAbiTests() => TorchRuntime.Initialize();

    [Fact]
    public void TensorOverMemory_ReadsAndWritesOurBytes()
    {
        var memory = (float*)NativeMemory.Alloc(12, sizeof(float));
        try
        {
            for (var i = 0; i < 12; i++)
                memory[i] = i;
            using (var tensor = TorchAbi.TensorOverMemory((nint)memory, [3, 4], [4, 1], torch.ScalarType.Float32))
            {
                Assert.Equal([3L, 4L], tensor.shape);
                Assert.Equal((nint)memory, TorchAbi.DataPointer(tensor));
                memory[5] = 100; // seen by the tensor: nothing was copied
                Assert.Equal(100f, tensor[1, 1].item<float>());
                tensor.add_(1);
            }
            Assert.Equal(101f, memory[5]); // still ours after the tensor is gone
            Assert.Equal(12f, memory[11]);
        }
        finally
        {
            NativeMemory.Free(memory); // the C library aborts the process if the tensor had freed it
        }
    }

    [Fact]
    public void TensorOverMemory_Strides_GiveTransposedAndRepeatedViews()
    {
        Span<short> values = [1, 2, 3, 4, 5, 6];
        fixed (short* first = values)
        {
            using var transposed = TorchAbi.TensorOverMemory((nint)first, [3, 2], [1, 3], torch.ScalarType.Int16);
            using var repeated = TorchAbi.TensorOverMemory((nint)first, [2, 3], [0, 1], torch.ScalarType.Int16);
            using var plain = TorchAbi.TensorOverMemory((nint)first, [2, 3], torch.ScalarType.Int16);
            using var a = transposed.contiguous();
            using var b = repeated.contiguous();

            Assert.Equal<short>([1, 4, 2, 5, 3, 6], a.data<short>().ToArray());
            Assert.Equal<short>([1, 2, 3, 1, 2, 3], b.data<short>().ToArray());
            Assert.True(plain.is_contiguous());
        }
    }

    [Theory]
    [InlineData(torch.ScalarType.Byte)]
    [InlineData(torch.ScalarType.Int8)]
    [InlineData(torch.ScalarType.Int16)]
    [InlineData(torch.ScalarType.Int32)]
    [InlineData(torch.ScalarType.Int64)]
    [InlineData(torch.ScalarType.Float16)]
    [InlineData(torch.ScalarType.BFloat16)]
    [InlineData(torch.ScalarType.Float32)]
    [InlineData(torch.ScalarType.Float64)]
    [InlineData(torch.ScalarType.Bool)]
    public void TensorOverMemory_EveryType_KeepsItsName(torch.ScalarType type)
    {
        var value = 0L;
        using var tensor = TorchAbi.TensorOverMemory((nint)(&value), [1], [1], type);

        Assert.Equal(type, tensor.dtype);
    }

    [Fact]
    public void TensorOverMemory_WrongArguments_AreTypedErrors()
    {
        Assert.Throws<TorchOperationException>(() => TorchAbi.TensorOverMemory(0, [1], [1], torch.ScalarType.Float32));
        Assert.Throws<TorchOperationException>(() => TorchAbi.TensorOverMemory(8, [1, 2], [1], torch.ScalarType.Float32));
        Assert.Throws<TorchOperationException>(() => TorchAbi.TensorOverMemory(8, [-1], [1], torch.ScalarType.Float32));
        using var empty = TorchAbi.TensorOverMemory(0, [0, 3], [3, 1], torch.ScalarType.Float32);
        Assert.Equal(0, empty.numel());
    }

    [Theory]
    [InlineData(1, 32, 16, true)]
    [InlineData(5, 64, 7, true)]
    [InlineData(20, 33, 17, false)]
    public void Int8MatMul_IsExact(int m, int k, int n, bool transposed)
    {
        var random = new Random(m * 1000 + n);
        sbyte[] a = [.. Enumerable.Range(0, m * k).Select(_ => (sbyte)random.Next(-128, 128))];
        sbyte[] b = [.. Enumerable.Range(0, k * n).Select(_ => (sbyte)random.Next(-128, 128))];
        fixed (sbyte* pa = a, pb = b)
        {
            using var left = TorchAbi.TensorOverMemory((nint)pa, [m, k], torch.ScalarType.Int8); // [M, K]
            using var right = transposed // [K, N], stored as [N, K] or [K, N]
                ? TorchAbi.TensorOverMemory((nint)pb, [k, n], [1, k], torch.ScalarType.Int8)
                : TorchAbi.TensorOverMemory((nint)pb, [k, n], torch.ScalarType.Int8);
            using var product = TorchAbi.Int8MatMul(left, right); // [M, N]

            var expected = new int[m * n];
            for (var i = 0; i < m; i++)
                for (var j = 0; j < n; j++)
                    for (var x = 0; x < k; x++)
                        expected[i * n + j] += a[i * k + x] * (transposed ? b[j * k + x] : b[x * n + j]);
            Assert.Equal(torch.ScalarType.Int32, product.dtype);
            Assert.Equal(expected, product.data<int>().ToArray());
        }
    }

    [Fact]
    public void Int8MatMul_LeavesItsArgumentsAlive()
    {
        using var a = torch.ones(4, 8, dtype: torch.int8);
        using var b = torch.ones(8, 4, dtype: torch.int8);
        for (var i = 0; i < 1000; i++)
            TorchAbi.Int8MatMul(a, b).Dispose();

        using var sum = a.sum();
        Assert.Equal(32, sum.item<long>());
    }

    [Fact]
    public void Int8MatMul_WrongTypesOrShapes_AreTypedErrors()
    {
        using var a = torch.ones(2, 3, dtype: torch.int8);
        using var b = torch.ones(2, 3, dtype: torch.int8);
        using var c = torch.ones(3, 2);

        Assert.Throws<TorchOperationException>(() => TorchAbi.Int8MatMul(a, b));
        Assert.Throws<TorchOperationException>(() => TorchAbi.Int8MatMul(a, c));
    }

    [Fact]
    public void CallOnTensors_UnknownOperation_IsATypedErrorWithItsCode()
    {
        using var a = torch.ones(1);

        var error = Assert.Throws<TorchOperationException>(() => TorchAbi.CallOnTensors("aten::no_such_operation", "", a));

        Assert.NotEqual(0, error.Code);
        Assert.Equal("aten::no_such_operation", error.Operation);
    }
}
