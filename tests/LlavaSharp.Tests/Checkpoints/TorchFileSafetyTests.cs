using System.IO.Compression;
using System.Runtime.InteropServices;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Checkpoints;

public class TorchFileSafetyTests
{
    private static readonly byte[] SixFloats = MemoryMarshal.AsBytes<float>(new float[] { 0, 1, 2, 3, 4, 5 }).ToArray();

    [Theory]
    [InlineData("@80@02cos\nsystem\n(X@02@00@00@00lstR.", "os.system")]
    [InlineData("@80@02cposix\nsystem\nX@02@00@00@00ls@85R.", "posix.system")]
    [InlineData("@80@02cbuiltins\neval\nX@04@00@00@001+11@85R.", "builtins.eval")]
    [InlineData("@80@02c__builtin__\nexec\n.", "__builtin__.exec")]
    [InlineData("@80@04@8c@0asubprocess@8c@05Popen@93.", "subprocess.Popen")]
    [InlineData("@80@02ctorch\nload\n.", "torch.load")]
    [InlineData("@80@02ctorch.storage\n_load_from_bytes\n.", "torch.storage._load_from_bytes")]
    [InlineData("@80@02ctorch._utils\n_rebuild_qtensor\n.", "torch._utils._rebuild_qtensor")]
    [InlineData("@80@02ctorch.serialization\nload\n.", "torch.serialization.load")]
    public void Open_PickleAsksForOtherThings_IsRefusedByName(string pickle, string name)
    {
        var error = Refused(TorchArchive.With(TorchArchive.Pickle(pickle)));
        Assert.Contains($"'{name}'", error.Message);
        Assert.Contains("evil.bin", error.Message);
    }

    [Theory]
    [InlineData("@80@02(S'ls'\nios\nsystem\n.")]                       // INST
    [InlineData("@80@02(cos\nsystem\no.")]                             // OBJ
    [InlineData("@80@02ccollections\nOrderedDict\n)@81.")]             // NEWOBJ
    [InlineData("@80@02@82@01.")]                                      // EXT1
    [InlineData("@80@02P0\n.")]                                        // PERSID
    [InlineData("@80@02ccollections\nOrderedDict\nX@01@00@00@00a@85R.")] // a call with arguments
    [InlineData("@80@02}}b.")]                                         // fine: a state on a dictionary, which is dropped
    [InlineData("@80@02X@ff@ff@ff@7fa.")]                              // a text longer than the file
    [InlineData("@80@02h@05.")]                                        // recalls nothing
    [InlineData("@80@02t.")]                                           // no mark
    [InlineData("@80@02(0.")]                                          // pops a mark
    [InlineData("@80@02")]
    [InlineData("@80@09}.")]
    [InlineData("@80@02K@05.")]
    [InlineData("@80@02}X@01@00@00@00wK@05s.")]
    public void Open_OddPickle_IsRefusedOrEmpty(string pickle)
    {
        using var temporary = new TemporaryFolder();
        var path = temporary.Write("evil.bin", TorchArchive.With(TorchArchive.Pickle(pickle)));
        if (pickle.EndsWith("}}b.", StringComparison.Ordinal))
        {
            using var file = TorchFile.Open(path);
            Assert.Empty(file.Tensors);
        }
        else
        {
            Assert.Throws<CheckpointException>(() => TorchFile.Open(path));
        }
    }

    [Fact]
    public void Open_EndlessPickles_AreBounded()
    {
        var garbage = new byte[3_000_000];
        Array.Fill(garbage, (byte)'}');
        Assert.Contains("than any checkpoint", Refused(TorchArchive.With(garbage)).Message);
    }

    [Fact]
    public void Open_TransposedView_KeepsItsStrides()
    {
        using var temporary = new TemporaryFolder();
        var path = temporary.Write("view.bin", TorchArchive.With(TorchArchive.OneTensor(6, 0, (3, 2), (1, 3)), entries: ("data/0", SixFloats)));
        using var file = TorchFile.Open(path);
        var tensor = file.Tensors["w"];

        Assert.Equal([1, 3], tensor.Strides!);
        Assert.Equal([0, 3, 1, 4, 2, 5], tensor.ToSingles());
        using var written = new MemoryStream();
        tensor.WriteTo(written);
        Assert.Equal([0, 3, 1, 4, 2, 5], MemoryMarshal.Cast<byte, float>(written.ToArray()).ToArray());
    }

    [Fact]
    public void Open_ViewWithOffset_BeginsThere()
    {
        using var temporary = new TemporaryFolder();
        var path = temporary.Write("view.bin", TorchArchive.With(TorchArchive.OneTensor(6, 2, (2, 2), (2, 1)), entries: ("data/0", SixFloats)));
        using var file = TorchFile.Open(path);

        Assert.Null(file.Tensors["w"].Strides);
        Assert.Equal([2, 3, 4, 5], file.Tensors["w"].ToSingles());
    }

    [Theory]
    [InlineData(7, 0, 3, 2, 2, 1)]      // more elements than bytes
    [InlineData(6, 1, 3, 2, 2, 1)]      // leaves its storage
    [InlineData(6, 0, 4, 2, 2, 1)]
    [InlineData(6, 0, 200, 200, 0, 0)]  // one element repeated: would be taken at its word when copied
    [InlineData(6, 0, 2, 2, 200, 200)]
    public void Open_TensorLeavesItsStorage_IsRefused(int count, int offset, byte rows, byte columns, byte rowStride, byte columnStride)
    {
        var error = Refused(TorchArchive.With(TorchArchive.OneTensor(count, offset, (rows, columns), (rowStride, columnStride)), entries: ("data/0", SixFloats)));
        Assert.Equal("w", error.Tensor);
    }

    [Fact]
    public void Open_StorageMissing_IsRefused() =>
        Assert.Contains("data/0", Refused(TorchArchive.With(TorchArchive.OneTensor(6, 0, (3, 2), (2, 1)))).Message);

    [Fact]
    public void Open_StorageOfUnknownType_IsRefused() =>
        Assert.Contains("torch.QInt8Storage", Refused(TorchArchive.With(TorchArchive.OneTensor(6, 0, (3, 2), (2, 1), "QInt8Storage"), entries: ("data/0", SixFloats))).Message);

    [Fact]
    public void Open_CompressedEntries_SaysSo()
    {
        var pickle = TorchArchive.OneTensor(6, 0, (3, 2), (2, 1));
        Assert.Contains("compressed", Refused(TorchArchive.With(pickle, CompressionLevel.SmallestSize, ("data/0", new byte[400]))).Message);
    }

    [Fact]
    public void Open_BigEndianFile_SaysSo() =>
        Assert.Contains("big-endian", Refused(TorchArchive.With(TorchArchive.Pickle("@80@02}."), entries: ("byteorder", "big"u8.ToArray()))).Message);

    [Fact]
    public void Open_FormatBefore16_SaysSo() =>
        Assert.Contains("before 1.6", Refused(TorchArchive.Pickle("@80@02@8a@0a@6c@fc@9c@46@f9@20@6a@a8@50@19.@80@02M@e9@03.")).Message);

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 13\n", "Git LFS")]
    [InlineData("<!DOCTYPE html><html></html>", "web page")]
    [InlineData("PK", "truncated")]
    public void Open_OtherFile_SaysWhatItIs(string content, string word) => Assert.Contains(word, Refused(System.Text.Encoding.UTF8.GetBytes(content)).Message);

    [Fact]
    public void Open_TruncatedFile_IsRefused()
    {
        var bytes = File.ReadAllBytes(TestFiles.Golden("checkpoints", "llava-tiny-pretrain", "mm_projector.bin"));
        Assert.Contains("truncated", Refused(bytes[..(bytes.Length / 2)]).Message);
    }

    [Fact]
    public void Open_StateDictionaryOfAModule_IsRead()
    {
        // an OrderedDict made by a call, a parameter around the tensor, and the versions that state_dict() hangs on as an attribute
        var tensor = TorchArchive.OneTensor(6, 0, (3, 2), (2, 1))[9..^2];
        byte[] pickle =
        [
            .. TorchArchive.Pickle("@80@02ccollections\nOrderedDict\n)R(X@01@00@00@00wctorch._utils\n_rebuild_parameter\n("), .. tensor,
            .. TorchArchive.Pickle("@88ccollections\nOrderedDict\n)RtRu}X@09@00@00@00_metadataccollections\nOrderedDict\n)Rsb."),
        ];
        using var temporary = new TemporaryFolder();
        using var file = TorchFile.Open(temporary.Write("module.bin", TorchArchive.With(pickle, entries: ("data/0", SixFloats))));

        Assert.Equal([0, 1, 2, 3, 4, 5], file.Tensors["w"].ToSingles());
    }

    [Fact]
    public void Open_Nested_TakesTheStateDictionary()
    {
        using var temporary = new TemporaryFolder();
        var inner = TorchArchive.OneTensor(6, 0, (3, 2), (2, 1))[2..^1];
        byte[] pickle = [.. TorchArchive.Pickle("@80@02}X@05@00@00@00epochK@03sX@0a@00@00@00state_dict"), .. inner, .. "s."u8];
        using var file = TorchFile.Open(temporary.Write("nested.bin", TorchArchive.With(pickle, entries: ("data/0", SixFloats))));

        Assert.Equal(["w"], file.Tensors.Keys);
    }

    private static CheckpointException Refused(byte[] bytes)
    {
        using var temporary = new TemporaryFolder();
        var path = temporary.Write("evil.bin", bytes);
        return Assert.Throws<CheckpointException>(() => TorchFile.Open(path));
    }
}
