using LlavaSharp.Kernels;

namespace LlavaSharp.Kernels.Tests;

public sealed unsafe class LargePagesTests
{
    [Fact]
    public void Copy_SeveralPieces_HoldsEachAlignedAndApart()
    {
        Assert.SkipWhen(LargePages.Obstacle is not null, LargePages.Obstacle ?? "");
        using var pages = new LargePages();
        var random = new Random(3);
        var pieces = new List<(byte[] Source, nint Copy)>();
        for (var i = 0; i < 20; i++)
        {
            var source = new byte[random.Next(1, 100_000)];
            random.NextBytes(source);
            fixed (byte* first = source)
                pieces.Add((source, (nint)pages.Copy(first, source.Length)));
        }
        foreach (var (source, copy) in pieces)
        {
            Assert.Equal(0, copy % 64);
            Assert.True(new ReadOnlySpan<byte>((void*)copy, source.Length).SequenceEqual(source));
        }
    }
}
