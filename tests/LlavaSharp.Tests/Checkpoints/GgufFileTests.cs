using System.Text;
using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Tests.Checkpoints;

public sealed class GgufFileTests
{
    private static string Types => TestFiles.Golden("gguf", "types.gguf");

    [Fact]
    public void Dequantize_EveryType_GivesTheGoldenValues()
    {
        using var file = GgufFile.Open(Types);
        using var golden = SafetensorsFile.Open(TestFiles.Golden("gguf", "types.safetensors"));
        Assert.Equal(golden.Tensors.Keys.Where(name => name != "original").Order(), file.Tensors.Keys.Order());
        foreach (var tensor in file.Tensors.Values)
        {
            var values = new float[tensor.Rows * tensor.RowLength];
            for (var row = 0; row < tensor.Rows; row++)
                tensor.Dequantize(row, values.AsSpan(row * tensor.RowLength, tensor.RowLength));
            Assert.Equal(golden.Tensors[tensor.Name].ToSingles(), values);
        }
    }

    [Fact]
    public void Open_Metadata_IsReadByType()
    {
        var bytes = Build(
            ("general.architecture", 8u, Text("llama")), ("a.count", 4u, BitConverter.GetBytes(7u)), ("a.rate", 6u, BitConverter.GetBytes(0.5f)),
            ("a.flag", 7u, [1]), ("a.list", 9u, [.. BitConverter.GetBytes(5u), .. BitConverter.GetBytes(2ul), .. BitConverter.GetBytes(-3), .. BitConverter.GetBytes(4)]));
        using var file = GgufFile.Open(new PinnedMemory(bytes));
        Assert.Equal("llama", file.Find<string>("general.architecture"));
        Assert.Equal(7, file.Integer("a.count"));
        Assert.Equal(0.5, file.Number("a.rate"));
        Assert.Equal(true, file.Metadata["a.flag"]);
        Assert.Equal([-3, 4], file.Find<long[]>("a.list")!);
        Assert.Null(file.Integer("a.missing"));
        Assert.Contains("a.rate", Assert.Throws<CheckpointException>(() => file.Integer("a.rate")).Message);
    }

    [Fact]
    public void Open_OtherFile_SaysWhatItIs()
    {
        var error = Assert.Throws<CheckpointException>(() => GgufFile.Open(new PinnedMemory("<!DOCTYPE html><html><body>sign in</body></html>"u8)));
        Assert.Contains("web page", error.Message);
    }

    [Fact]
    public void Open_Truncated_IsRefused()
    {
        var bytes = File.ReadAllBytes(Types);
        for (var length = 1; length < bytes.Length; length += 97)
            Assert.Throws<CheckpointException>(() => GgufFile.Open(new PinnedMemory(bytes.AsSpan(0, length))));
    }

    [Fact]
    public void Open_ArrayLongerThanTheFile_IsRefusedBeforeMemoryIsTaken()
    {
        var bytes = Build(("a.list", 9u, [.. BitConverter.GetBytes(8u), .. BitConverter.GetBytes(1ul << 40)]));
        Assert.Contains("a.list", Assert.Throws<CheckpointException>(() => GgufFile.Open(new PinnedMemory(bytes))).Message);
    }

    private static byte[] Build(params ReadOnlySpan<(string Name, uint Type, byte[] Value)> values)
    {
        using var stream = new MemoryStream();
        stream.Write("GGUF"u8);
        stream.Write(BitConverter.GetBytes(3u));
        stream.Write(BitConverter.GetBytes(0ul));
        stream.Write(BitConverter.GetBytes((ulong)values.Length));
        foreach (var (name, type, value) in values)
        {
            stream.Write(Text(name));
            stream.Write(BitConverter.GetBytes(type));
            stream.Write(value);
        }
        return stream.ToArray();
    }

    private static byte[] Text(string text) => [.. BitConverter.GetBytes((ulong)text.Length), .. Encoding.UTF8.GetBytes(text)];
}
