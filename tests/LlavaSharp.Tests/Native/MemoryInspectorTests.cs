using LlavaSharp.Native;

namespace LlavaSharp.Tests.Native;

public sealed class MemoryInspectorTests : IDisposable
{
    private readonly DirectoryInfo _mount = Directory.CreateTempSubdirectory("llava-cgroup-test-");

    public void Dispose() => _mount.Delete(recursive: true);

    [Fact]
    public void ContainerLimit_VersionTwo_TakesTheTightestOnTheWayUp()
    {
        Write("a/memory.max", "1000\n");
        Write("a/memory.current", "400\n");
        Write("a/b/memory.max", "max\n");
        Write("a/b/memory.current", "10\n");

        Assert.Equal((1000L, 400L), MemoryInspector.ContainerLimit(["0::/a/b"], _mount.FullName, total: 5000));
    }

    [Fact]
    public void ContainerLimit_VersionOneInsideAContainer_ReadsTheMountsRoot()
    {
        Write("memory/memory.limit_in_bytes", "2000\n");
        Write("memory/memory.usage_in_bytes", "7\n");

        Assert.Equal((2000L, 7L), MemoryInspector.ContainerLimit(["3:cpuset:/x", "4:memory:/docker/abc", "0::/"], _mount.FullName, total: 5000));
    }

    [Fact]
    public void ContainerLimit_NoneBelowTheMachinesMemory_IsNull()
    {
        Write("memory/memory.limit_in_bytes", "9223372036854771712\n");

        Assert.Equal((null, null), MemoryInspector.ContainerLimit(["4:memory:/", "nonsense"], _mount.FullName, total: 5000));
    }

    [Fact]
    public void Inspect_ThisMachine_IsPlausible()
    {
        var memory = MemoryInspector.Inspect();

        Assert.InRange(memory.Total, 64L << 20, 1L << 50);
        Assert.InRange(memory.Available ?? 1, 1, memory.Total);
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(_mount.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
