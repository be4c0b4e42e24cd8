using System.Buffers.Binary;
using System.Text;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Checkpoints;

public class SafetensorsFileTests
{
    [Fact]
    public void Open_UnalignedHeader_GivesTheRightValues()
    {
        using var temporary = new TemporaryFolder();
        var header = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]} }""";
        Assert.NotEqual(0, (8 + header.Length) % 4);
        using var file = SafetensorsFile.Open(temporary.Write("x.safetensors", Bytes(header, [0, 0, 128, 63, 0, 0, 0, 64])));

        Assert.False(file.Tensors["a"].IsAligned);
        Assert.Equal([1f, 2f], file.Tensors["a"].ToSingles());
        Assert.Equal(-1, file.Tensors["a"].FindNonFinite());
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "does not take")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", "claims bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0],"data_offsets":[8,0]}}""", "claims bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,8]}}""", "does not take")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807,0],"data_offsets":[0,8]}}""", "does not take")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "not valid")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1e3],"data_offsets":[0,8]}}""", "not valid")]
    [InlineData("""{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}""", "F31")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", "lacks")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"shape":[2]}}""", "repeated")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "hole")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "no tensor owns")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} {}""", "not valid")]
    [InlineData("""[]""", "not valid")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "not valid")]
    [InlineData("""{"__metadata__":{"n":3},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "not valid")]
    public void Open_LyingHeader_IsRefused(string header, string word)
    {
        using var temporary = new TemporaryFolder();
        var path = temporary.Write("x.safetensors", Bytes(header, new byte[8]));

        Assert.Contains(word, Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path)).Message);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(99_999_999UL)]
    [InlineData(9UL)]
    public void Open_HeaderLongerThanFile_IsRefused(ulong length)
    {
        using var temporary = new TemporaryFolder();
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);

        Assert.Contains("claims a header", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(temporary.Write("x.safetensors", bytes))).Message);
    }

    [Fact]
    public void Open_MissingEmptyOrFolder_SaysWhich()
    {
        using var temporary = new TemporaryFolder();

        Assert.Contains("does not exist", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(temporary.At("no.safetensors"))).Message);
        Assert.Contains("is empty", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(temporary.Write("e.safetensors", ""))).Message);
        Assert.Contains("is a folder", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(temporary.Path)).Message);
        Assert.Contains("Git LFS", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(temporary.Write("l.safetensors", "version https://git-lfs.github.com/spec/v1\n"))).Message);
    }

    [Fact]
    public void Open_TruncatedGolden_IsRefused()
    {
        using var temporary = new TemporaryFolder();
        var bytes = File.ReadAllBytes(TestFiles.Golden("checkpoints", "vicuna-tiny", "model.safetensors"));

        Assert.Contains("truncated", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(temporary.Write("x.safetensors", bytes[..^1]))).Message);
    }

    [Fact]
    public void WriteThenOpen_AllTypes_GivesTheSameBack()
    {
        using var temporary = new TemporaryFolder();
        var path = temporary.At("x.safetensors");
        var random = new Random(1);
        var tensors = new List<(string Name, StoredDataType Type, long[] Shape, byte[] Bytes)>();
        foreach (var type in Enum.GetValues<StoredDataType>())
            foreach (var shape in new long[][] { [], [3], [2, 5], [0, 4], [1, 2, 3, 1] })
            {
                var bytes = new byte[shape.Aggregate(1L, (a, b) => a * b) * type.Size()];
                random.NextBytes(bytes);
                tensors.Add(($"{type}\"é {tensors.Count}", type, shape, bytes));
            }
        SafetensorsWriter.Write(path, tensors.Select(t => TensorToWrite.FromBytes(t.Name, t.Type, t.Shape, t.Bytes)), new Dictionary<string, string> { ["format"] = "pt", ["é"] = "\n" });
        using var file = SafetensorsFile.Open(path);

        Assert.Equal(tensors.Count, file.Tensors.Count);
        Assert.Equal("\n", file.Metadata["é"]);
        foreach (var (name, type, shape, bytes) in tensors)
        {
            Assert.Equal(type, file.Tensors[name].DataType);
            Assert.Equal(shape, file.Tensors[name].Shape);
            Assert.Equal(bytes, file.Tensors[name].Bytes.ToArray());
            Assert.True(file.Tensors[name].IsAligned);
        }
        Assert.Single(Directory.GetFiles(temporary.Path));
    }

    [Fact]
    public void Write_CallbackGivesTooFewBytes_LeavesNothingBehind()
    {
        using var temporary = new TemporaryFolder();
        File.WriteAllText(temporary.At("x.safetensors"), "old");
        var tensor = new TensorToWrite("a", StoredDataType.Float32, [2], stream => stream.WriteByte(1));

        Assert.Contains("gave 1 bytes", Assert.Throws<CheckpointException>(() => SafetensorsWriter.Write(temporary.At("x.safetensors"), [tensor])).Message);
        Assert.Equal("old", File.ReadAllText(Assert.Single(Directory.GetFiles(temporary.Path))));
    }

    [Fact]
    public void WriteSharded_SmallShards_ReadBackThroughTheIndex()
    {
        using var temporary = new TemporaryFolder();
        using var source = CheckpointFolder.Open(TestFiles.Golden("checkpoints", "llava-v1.5-tiny"));
        File.Copy(source.ConfigPath, temporary.At("config.json"));
        File.WriteAllText(temporary.At("model.safetensors"), "an earlier save");

        var paths = SafetensorsWriter.WriteSharded(temporary.Path, source.Tensors.Values.Select(t => TensorToWrite.FromStored(t)), 100_000);
        using var copy = CheckpointFolder.Open(temporary.Path);

        Assert.True(paths.Count > 3);
        Assert.Equal("model-00001-of-" + paths.Count.ToString("D5") + ".safetensors", Path.GetFileName(paths[0]));
        Assert.Equal(source.Tensors.Keys.Order(), copy.Tensors.Keys.Order());
        foreach (var (name, tensor) in source.Tensors)
            Assert.True(tensor.Bytes.SequenceEqual(copy.Tensors[name].Bytes), name);

        SafetensorsWriter.WriteSharded(temporary.Path, [TensorToWrite.FromSingles("a", [2], new float[] { 1, 2 })]);
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(temporary.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void TorchWriter_ThenTorchReader_GivesTheSameBackAligned()
    {
        using var temporary = new TemporaryFolder();
        var path = temporary.At("mm_projector.bin");
        using var source = ProjectorFile.Open(TestFiles.Golden("checkpoints", "llava-tiny-pretrain"));
        TorchFileWriter.Write(path, source.Tensors.Values.Select(t => TensorToWrite.FromStored(t)).Append(TensorToWrite.FromSingles("scalar é", [], new float[] { 7 })));
        using var copy = TorchFile.Open(path);

        Assert.Equal([.. source.Tensors.Keys, "scalar é"], copy.Tensors.Keys);
        Assert.Equal([7f], copy.Tensors["scalar é"].ToSingles());
        foreach (var (name, tensor) in source.Tensors)
        {
            Assert.True(tensor.Bytes.SequenceEqual(copy.Tensors[name].Bytes), name);
            Assert.Equal(tensor.Shape, copy.Tensors[name].Shape);
            unsafe
            {
                Assert.Equal(0, (long)copy.Tensors[name].Pointer % 64);
            }
        }
        using var archive = System.IO.Compression.ZipFile.OpenRead(path);
        foreach (var entry in archive.Entries) // reading to the end checks the checksum
            using (var stream = entry.Open())
                stream.CopyTo(Stream.Null);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void TorchWriter_WideFields_AreReadByUsAndOthers(long wideFrom)
    {
        using var temporary = new TemporaryFolder();
        var path = temporary.At("big.bin");
        TorchFileWriter.Write(path, [TensorToWrite.FromSingles("a", [2], new float[] { 1, 2 }), TensorToWrite.FromSingles("b", [50], new float[50])], wideFrom);

        using var file = TorchFile.Open(path);
        Assert.Equal([1f, 2f], file.Tensors["a"].ToSingles());
        Assert.Equal([50], file.Tensors["b"].Shape);
        using var archive = System.IO.Compression.ZipFile.OpenRead(path);
        Assert.Equal(["big/data.pkl", "big/byteorder", "big/data/0", "big/data/1", "big/version"], archive.Entries.Select(entry => entry.FullName));
        Assert.Equal([8, 200], archive.Entries.Where(entry => entry.FullName.Contains("/data/")).Select(entry => entry.Length));
    }

    [Theory]
    [InlineData(StoredDataType.Float16)]
    [InlineData(StoredDataType.BFloat16)]
    [InlineData(StoredDataType.Float32)]
    [InlineData(StoredDataType.Float64)]
    public void FindNonFinite_OneBadValue_GivesItsIndex(StoredDataType type)
    {
        var size = type.Size();
        foreach (var count in (int[])[1, 7, 64, 1003])
            foreach (var at in (int[])[0, count / 2, count - 1])
                foreach (var bad in (double[])[double.NaN, double.PositiveInfinity, double.NegativeInfinity])
                {
                    var bytes = new byte[count * size];
                    for (var i = 0; i < count; i++)
                        Write(type, i == at ? bad : 1e4 * (i % 6 - 3), bytes.AsSpan(i * size));
                    Assert.Equal(at, StoredTensor.FromBytes("x", type, [count], bytes).FindNonFinite());
                    Write(type, 60000, bytes.AsSpan(at * size));
                    Assert.Equal(-1, StoredTensor.FromBytes("x", type, [count], bytes).FindNonFinite());
                }
    }

    private static void Write(StoredDataType type, double value, Span<byte> bytes)
    {
        if (type == StoredDataType.Float64)
            BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        else if (type == StoredDataType.Float32)
            BinaryPrimitives.WriteSingleLittleEndian(bytes, (float)value);
        else if (type == StoredDataType.Float16)
            BinaryPrimitives.WriteHalfLittleEndian(bytes, (Half)value);
        else
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16));
    }

    internal static byte[] Bytes(string header, byte[] data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + text.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, text.Length);
        text.CopyTo(bytes, 8);
        data.CopyTo(bytes, 8 + text.Length);
        return bytes;
    }
}
