using System.IO.Compression;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Checkpoints;

public class TorchFileTests
{
    private static readonly string Projector = TestFiles.Golden("checkpoints", "llava-tiny-pretrain", "mm_projector.bin");

    [Fact]
    public void Open_FileOfTorch_GivesEveryStorageInOrder()
    {
        var path = TestFiles.Golden("checkpoints", "clip-vit-tiny-patch14-56", "pytorch_model.bin");
        using var file = TorchFile.Open(path);
        using var archive = ZipFile.OpenRead(path);

        var index = 0;
        foreach (var tensor in file.Tensors.Values)
        {
            using var entry = archive.GetEntry($"pytorch_model/data/{index++}")!.Open();
            using var expected = new MemoryStream();
            entry.CopyTo(expected);
            Assert.Equal(expected.ToArray(), tensor.Bytes.ToArray());
            Assert.Equal(StoredDataType.Float16, tensor.DataType);
            Assert.True(tensor.IsContiguous && tensor.IsAligned);
            Assert.Equal(-1, tensor.FindNonFinite());
        }
        Assert.Equal(55, index);
        Assert.Equal([32, 3, 14, 14], file.Tensors["vision_model.embeddings.patch_embedding.weight"].Shape);
    }

    [Fact]
    public void Open_Projector_HasNamesShapesAndType()
    {
        using var file = TorchFile.Open(Projector);

        Assert.Equal(["model.mm_projector.0.weight", "model.mm_projector.0.bias", "model.mm_projector.2.weight", "model.mm_projector.2.bias"], file.Tensors.Keys);
        Assert.Equal([64, 32], file.Tensors["model.mm_projector.0.weight"].Shape);
        Assert.All(file.Tensors.Values, tensor => Assert.Equal(StoredDataType.BFloat16, tensor.DataType));
    }

    [Fact]
    public void Pointer_AfterDispose_Throws()
    {
        var file = TorchFile.Open(Projector);
        var tensor = file.Tensors.Values.First();
        file.Dispose();

        Assert.Throws<ObjectDisposedException>(() => tensor.Bytes.Length);
    }
}
