using LlavaSharp.Native;

namespace LlavaSharp.Tests.Native;

public sealed class NativeFileCacheTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llava-cache-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Store_NewFile_HoldsTheContentAndLeavesNothingElse()
    {
        var path = NativeFileCache.Store(_folder.FullName, "libx.so", [1, 2, 3]);

        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.EnumerateFileSystemEntries(_folder.FullName));
        Assert.StartsWith("libx-", Path.GetFileName(path));
        Assert.EndsWith(".so", path);
    }

    [Fact]
    public void Store_Again_DoesNotWrite()
    {
        var path = NativeFileCache.Store(_folder.FullName, "libx.so", [1, 2, 3]);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);

        Assert.Equal(path, NativeFileCache.Store(_folder.FullName, "libx.so", [1, 2, 3]));
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(path));
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 4 })]
    [InlineData(new byte[] { 1 })]
    [InlineData(new byte[0])]
    public void Store_DamagedFile_IsMadeAnew(byte[] damage)
    {
        var path = NativeFileCache.Store(_folder.FullName, "libx.so", [1, 2, 3]);
        File.WriteAllBytes(path, damage);

        Assert.Equal(path, NativeFileCache.Store(_folder.FullName, "libx.so", [1, 2, 3]));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
    }

    [Fact]
    public void Store_OtherContent_IsAnotherFile() =>
        Assert.NotEqual(NativeFileCache.Store(_folder.FullName, "libx.so", [1]), NativeFileCache.Store(_folder.FullName, "libx.so", [2]));

    [Fact]
    public void Store_FolderBelowAFile_IsAnIOException()
    {
        var file = Path.Combine(_folder.FullName, "file");
        File.WriteAllBytes(file, []);

        Assert.ThrowsAny<IOException>(() => NativeFileCache.Store(Path.Combine(file, "cache"), "libx.so", [1]));
    }

    [Fact]
    public void Store_ManyThreadsAtOnce_AllGetTheWholeFile()
    {
        var content = new byte[300_000];
        new Random(1).NextBytes(content);
        Parallel.For(0, 16, _ => Assert.Equal(content, File.ReadAllBytes(NativeFileCache.Store(_folder.FullName, "libx.so", content))));
        Assert.Single(Directory.EnumerateFileSystemEntries(_folder.FullName));
    }
}
