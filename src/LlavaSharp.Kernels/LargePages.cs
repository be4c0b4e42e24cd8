using System.Runtime.InteropServices;

namespace LlavaSharp.Kernels;

/// <summary>
/// Memory in pages of 2 MB (transparent huge pages of Linux). Weights that are read from end to end for every token come a tenth faster from them than from a mapped
/// file, whose pages have 4 KB.
/// </summary>
internal sealed unsafe partial class LargePages : IDisposable
{
    private const string Setting = "/sys/kernel/mm/transparent_hugepage/enabled";
    private const nuint PageBytes = 2 << 20;
    private const nuint SegmentBytes = 256 << 20;   // what is not written takes no memory
    private const nuint LineBytes = 64;
    private const int AdviseHugePage = 14;          // MADV_HUGEPAGE
    private readonly List<nint> _segments = [];
    private byte* _next;
    private nuint _left;

    /// <summary>Why this system gives no large pages, and what to do; null when it does.</summary>
    public static string? Obstacle =>
        !OperatingSystem.IsLinux() ? "Large pages are used on Linux only."
        : !File.Exists(Setting) ? "This kernel has no transparent huge pages."
        : File.ReadAllText(Setting).Contains("[never]", StringComparison.Ordinal) ? $"Transparent huge pages are switched off: write madvise to {Setting}."
        : null;

    /// <summary>Memory in large pages where the system gives them and so much is wanted, else in ordinary ones; to be freed as aligned memory.</summary>
    /// <param name="bytes">How much.</param>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    public static byte* Allocate(nuint bytes)
    {
        if (bytes < PageBytes || !OperatingSystem.IsLinux())
            return (byte*)NativeMemory.AlignedAlloc(bytes, LineBytes);
        var memory = NativeMemory.AlignedAlloc(bytes, PageBytes);
        // advice only: where the kernel finds no large page, it gives small ones; whole pages of ours, no neighbour's
        _ = Advise(memory, bytes / PageBytes * PageBytes, AdviseHugePage);
        return (byte*)memory;
    }

    /// <summary>A copy in large pages, which lives as long as this object.</summary>
    /// <param name="source">What is copied.</param>
    /// <param name="bytes">How much.</param>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    public byte* Copy(byte* source, long bytes)
    {
        var size = ((nuint)bytes + LineBytes - 1) / LineBytes * LineBytes;
        if (size > _left)
            AddSegment((Math.Max(size, SegmentBytes) + PageBytes - 1) / PageBytes * PageBytes);
        var copy = _next;
        _next += size;
        _left -= size;
        Buffer.MemoryCopy(source, copy, bytes, bytes);
        return copy;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var segment in _segments)
            NativeMemory.AlignedFree((void*)segment);
        _segments.Clear();
        _next = null;
        _left = 0;
    }

    private void AddSegment(nuint bytes)
    {
        var segment = Allocate(bytes);
        _segments.Add((nint)segment);
        _next = segment;
        _left = bytes;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
