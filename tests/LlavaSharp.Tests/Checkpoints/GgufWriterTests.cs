using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Tests.Checkpoints;

public sealed class GgufWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("F32")]
    [InlineData("F16")]
    [InlineData("Q8_0")]
    [InlineData("Q4_0")]
    public void Encode_GoldenValues_GivesTheBytesOfGgml(string type)
    {
        using var golden = SafetensorsFile.Open(TestFiles.Golden("gguf", "types.safetensors"));
        using var file = GgufFile.Open(TestFiles.Golden("gguf", "types.gguf"));
        var original = golden.Tensors["original"];
        var expected = file.Tensors[type];
        for (var row = 0; row < expected.Rows; row++)
        {
            var values = new float[expected.RowLength];
            original.ReadRow(row, values);
            var bytes = new byte[expected.RowBytes];
            GgufEncoder.Encode(expected.Type, values, bytes);
            Assert.Equal(expected.Row(row), bytes);
        }
    }

    [Fact]
    public void Encode_NumbersThatRoundingDecides_GivesTheLevelsOfTheReference()
    {
        // with the largest value 127 (or -8) the scale is one: levels are the values, rounded as C's roundf (or half up)
        var eight = new float[32];
        (eight[0], eight[1], eight[2], eight[3], eight[4]) = (127, 0.5f, -0.5f, 0.49999997f, -2.5f);
        var bytes = new byte[34];
        GgufEncoder.Encode(GgufType.Q8_0, eight, bytes);
        Assert.Equal([127, 1, -1, 0, -3, 0], bytes[2..8].Select(level => (int)(sbyte)level));

        var four = new float[32];
        (four[0], four[1], four[2], four[16], four[17]) = (-8, 8, 0.5f, 7.5f, -0.5f);   // the first of two extremes gives the scale its sign
        bytes = new byte[18];
        GgufEncoder.Encode(GgufType.Q4_0, four, bytes);
        Assert.Equal([0, 15, 9, 8], bytes[2..6].Select(pair => pair & 15));
        Assert.Equal([15, 8, 8, 8], bytes[2..6].Select(pair => pair >> 4));
    }

    [Fact]
    public void Write_ValuesOfAllTypes_AreReadBack()
    {
        var path = _folder.At("values.gguf");
        GgufWriter.Write(path, new Dictionary<string, object>
        {
            ["u8"] = (byte)200, ["i8"] = (sbyte)-100, ["u16"] = (ushort)50_000, ["i16"] = (short)-30_000, ["u32"] = 4_000_000_000u, ["i32"] = -5,
            ["f32"] = 0.5f, ["flag"] = true, ["text"] = "Zürich", ["u64"] = ulong.MaxValue, ["i64"] = long.MinValue, ["f64"] = 1e300,
            ["texts"] = new[] { "a", "", "\u4e2d" }, ["numbers"] = new[] { 1f, -2f }, ["flags"] = new[] { true, false }, ["bytes"] = new byte[] { 1, 2 }, ["none"] = Array.Empty<int>(),
            ["nested"] = new[] { new[] { 1, 2 }, [3] },
        }, []);
        using var file = GgufFile.Open(path);
        Assert.Equal(200ul, file.Metadata["u8"]);
        Assert.Equal(-100L, file.Metadata["i8"]);
        Assert.Equal(50_000ul, file.Metadata["u16"]);
        Assert.Equal(-30_000L, file.Metadata["i16"]);
        Assert.Equal(4_000_000_000ul, file.Metadata["u32"]);
        Assert.Equal(-5L, file.Metadata["i32"]);
        Assert.Equal(0.5, file.Metadata["f32"]);
        Assert.Equal(true, file.Metadata["flag"]);
        Assert.Equal("Zürich", file.Metadata["text"]);
        Assert.Equal(ulong.MaxValue, file.Metadata["u64"]);
        Assert.Equal(long.MinValue, file.Metadata["i64"]);
        Assert.Equal(1e300, file.Metadata["f64"]);
        Assert.Equal(new[] { "a", "", "\u4e2d" }, file.Metadata["texts"]);
        Assert.Equal(new[] { 1d, -2d }, file.Metadata["numbers"]);
        Assert.Equal(new[] { true, false }, file.Metadata["flags"]);
        Assert.Equal(new[] { 1ul, 2ul }, file.Metadata["bytes"]);
        Assert.Equal(Array.Empty<long>(), file.Metadata["none"]);
        Assert.Equal([[1, 2], [3]], Assert.IsType<object[]>(file.Metadata["nested"]).Select(inner => (long[])inner));
    }

    [Fact]
    public void Write_TensorsOfOddSizes_AreAlignedAndReadBack()
    {
        var path = _folder.At("tensors.gguf");
        float[] one = [1.5f], three = [1, -2, 3];
        var wide = Enumerable.Range(0, 5 * 64).Select(i => (float)Math.Sin(i)).ToArray();
        var freed = new List<string>();
        GgufWriter.Write(path, new Dictionary<string, object>(),
        [
            new("one", GgufType.F32, [], (_, values) => one.CopyTo(values)) { Written = () => freed.Add("one") },
            new("three", GgufType.F16, [3, 1], (row, values) => values[0] = three[row]),
            new("wide", GgufType.Q8_0, [5, 64], (row, values) => wide.AsSpan((int)row * 64, 64).CopyTo(values)),
            new("empty", GgufType.Q4_0, [0, 32], (_, _) => throw new InvalidOperationException()),
        ]);
        using var file = GgufFile.Open(path);
        Assert.Equal([[], [3L, 1L], [5L, 64L], [0L, 32L]], file.Tensors.Values.Select(tensor => tensor.Shape));
        Assert.Equal(one, Values(file.Tensors["one"]));
        Assert.Equal(three, Values(file.Tensors["three"]));
        Assert.All(wide.Zip(Values(file.Tensors["wide"])), pair => Assert.Equal(pair.First, pair.Second, 0.006));
        Assert.Equal(["one"], freed);
        Assert.Equal(0, new FileInfo(path).Length % 32);
    }

    [Fact]
    public void Write_WhatTheFormatCannotHold_IsRefusedAndLeavesNoFile()
    {
        var path = _folder.At("refused.gguf");
        Assert.Contains("twin", Assert.Throws<CheckpointException>(() => GgufWriter.Write(path, new Dictionary<string, object>(), [Zeros("twin"), Zeros("twin")])).Message);
        Assert.Contains("Decimal", Assert.Throws<CheckpointException>(() => GgufWriter.Write(path, new Dictionary<string, object> { ["price"] = 1m }, [])).Message);
        Assert.Contains("price", Assert.Throws<CheckpointException>(() => GgufWriter.Write(path, new Dictionary<string, object> { ["price"] = new[] { 1m } }, [])).Message);
        Assert.Contains("alignment", Assert.Throws<CheckpointException>(() => GgufWriter.Write(path, new Dictionary<string, object> { ["general.alignment"] = 64u }, [])).Message);
        Assert.Contains("blocks", Assert.Throws<CheckpointException>(() => new GgufTensorToWrite("odd", GgufType.Q4_0, [2, 33], (_, _) => { })).Message);
        Assert.Contains("Q6_K", Assert.Throws<CheckpointException>(() => new GgufTensorToWrite("odd", GgufType.Q6_K, [256], (_, _) => { })).Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    private static GgufTensorToWrite Zeros(string name) => new(name, GgufType.F32, [4], (_, values) => values.Clear());

    private static float[] Values(GgufTensor tensor)
    {
        var values = new float[tensor.Rows * tensor.RowLength];
        for (var row = 0; row < tensor.Rows; row++)
            tensor.Dequantize(row, values.AsSpan(row * tensor.RowLength, tensor.RowLength));
        return values;
    }
}
