using LlavaSharp.Checkpoints;
using LlavaSharp.Kernels;
using LlavaSharp.Quantization;

namespace LlavaSharp.Tests.Quantization;

public unsafe class PackedHeaderTests
{
    [Theory]
    [InlineData(WeightBits.Four, 3, 50, -7)]
    [InlineData(WeightBits.Eight, 40, 96, 12)]
    internal void Read_AfterWrite_GivesTheLayout(WeightBits bits, int rows, int inputs, int exponent)
    {
        var layout = new PackedLayout(rows, inputs, bits, exponent);
        var tensor = Tensor(layout, _ => { });
        Assert.True(PackedHeader.IsPacked(tensor));
        var header = PackedHeader.Read(tensor);
        Assert.Equal(layout, header.Layout);
        header.Verify(tensor);
        Assert.Equal([rows, inputs], PackedHeader.ShapeOf(tensor));
    }

    [Theory]
    [InlineData(4, "version 2")]
    [InlineData(6, "damaged header")]
    [InlineData(11, "damaged header")]
    [InlineData(12, "damaged header")]
    [InlineData(18, "damaged header")]
    [InlineData(24, "bytes where")]
    public void Read_DamagedHeader_NamesTensorAndFile(int at, string named)
    {
        var tensor = Tensor(new(32, 64, WeightBits.Four), bytes => bytes[at] += at == 4 ? (byte)1 : (byte)0xC0);
        var error = Assert.Throws<CheckpointException>(() => PackedHeader.Read(tensor));
        Assert.Contains(named, error.Message);
        Assert.Contains("'w'", error.Message);
    }

    [Fact]
    public void Verify_OneBitChanged_IsRefused()
    {
        var tensor = Tensor(new(32, 64, WeightBits.Four), bytes => bytes[PackedHeader.Size + 700] ^= 4);
        var error = Assert.Throws<CheckpointException>(() => PackedHeader.Read(tensor).Verify(tensor));
        Assert.Contains("checksum", error.Message);
    }

    [Fact]
    public void Read_AnyBytes_GivesALayoutThatFitsOrATypedError()
    {
        var random = new Random(11);
        var (read, refused) = (0, 0);
        for (var i = 0; i < 5000; i++)
        {
            var tensor = Tensor(new(random.Next(1, 40), random.Next(1, 80), WeightBits.Four, random.Next(-20, 20)), bytes =>
            {
                for (var change = random.Next(3); change > 0; change--)
                    bytes[random.Next(4, PackedHeader.Size)] = (byte)random.Next(256);
            });
            try
            {
                Assert.Equal(tensor.ByteLength, PackedHeader.Size + PackedHeader.Read(tensor).Layout.Bytes);
                read++;
            }
            catch (CheckpointException)
            {
                refused++;
            }
        }
        Assert.InRange(read, 1000, 4000);
        Assert.InRange(refused, 1000, 4000);
    }

    private static StoredTensor Tensor(PackedLayout layout, Action<byte[]> change)
    {
        var bytes = new byte[PackedHeader.Size + layout.Bytes];
        new Random(1).NextBytes(bytes);
        fixed (byte* first = bytes)
            new PackedHeader(layout, PackedHeader.Sum(first + PackedHeader.Size, layout.Bytes)).Write(bytes);
        change(bytes);
        return StoredTensor.FromBytes("w", StoredDataType.UInt8, [bytes.Length], bytes);
    }
}
