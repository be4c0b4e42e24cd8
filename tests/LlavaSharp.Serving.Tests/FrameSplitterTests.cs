using LlavaSharp.Serving.Protocol;

namespace LlavaSharp.Serving.Tests;

public class FrameSplitterTests
{
    [Fact]
    public void Add_CutAnywhere_GivesTheSameFrames()
    {
        var random = new Random(1);
        for (var round = 0; round < 2000; round++)
        {
            var bytes = Enumerable.Range(0, random.Next(200)).Select(_ => (byte)random.Next(4)).ToArray();
            var wanted = Split(new(), [bytes]);
            var pieces = new List<byte[]>();
            for (var at = 0; at < bytes.Length;)
            {
                var end = Math.Min(bytes.Length, at + random.Next(1, 20));
                pieces.Add(bytes[at..end]);
                at = end;
            }
            Assert.Equal(wanted, Split(new(), pieces));
            Assert.DoesNotContain(wanted, frame => frame.Length == 0 || frame.Contains((byte)0));
        }
    }

    [Fact]
    public void Add_FrameWithoutEnd_IsRefusedAtTheLimit()
    {
        var splitter = new FrameSplitter(limit: 100);
        splitter.Add(new byte[101]);                      // zero bytes: no frame at all
        splitter.Add([.. Enumerable.Repeat((byte)1, 100)]);
        Assert.Throws<ProtocolException>(() => splitter.Add([1]));
    }

    private static List<byte[]> Split(FrameSplitter splitter, IEnumerable<byte[]> pieces) =>
        [.. pieces.SelectMany(piece => splitter.Add(piece)), .. splitter.Finish() is { } rest ? [rest] : Array.Empty<byte[]>()];
}
