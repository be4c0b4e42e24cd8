using LlavaSharp.Benchmarking.Peer;
using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Benchmarking.Tests;

public sealed class PeerModelFileTests
{
    [Fact]
    public void Ensure_Twice_WritesOnceAndGivesTheWeightsOfTheShape()
    {
        var cache = Directory.CreateTempSubdirectory("llavasharp-");
        try
        {
            var shape = BenchShape.Find("tiny");
            var notices = new List<string>();
            var path = PeerModelFile.Ensure(shape, GgufType.Q4_0, GgufType.Q8_0, notices.Add, cache.FullName);
            Assert.Equal(path, PeerModelFile.Ensure(shape, GgufType.Q4_0, GgufType.Q8_0, notices.Add, cache.FullName));
            Assert.Single(notices);
            using var file = GgufCheckpoint.Open(path);
            Assert.Equal((64, 2, 2, 512), (file.Config.HiddenSize, file.Config.NumHiddenLayers, file.Config.NumKeyValueHeads, file.Config.VocabSize));
            Assert.Equal(("Q4_0", "Q8_0", "F32"), (file.File.Tensors["token_embd.weight"].Type.ToString(), file.File.Tensors["output.weight"].Type.ToString(), file.File.Tensors["output_norm.weight"].Type.ToString()));
        }
        finally
        {
            cache.Delete(recursive: true);
        }
    }
}
