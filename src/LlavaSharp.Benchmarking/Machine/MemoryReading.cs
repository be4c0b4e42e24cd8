using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlavaSharp.Kernels;
using LlavaSharp.Native;

namespace LlavaSharp.Benchmarking.Machine;

/// <summary>Reads memory from front to back with a team of threads, each its own part, and does nothing else: how fast weights can be read at best.</summary>
internal sealed unsafe class MemoryReading : KernelWork, IDisposable
{
    /// <summary>Far more than any cache holds.</summary>
    public const long Bytes = 2L << 30;

    private const int Step = 256;      // bytes of one turn of the loop
    private const int Ahead = 4096;    // bytes: what is that far on is fetched, as the kernels do

    private readonly KernelThreads _threads;
    private readonly long _bytes;
    private byte* _memory;
    private ulong _sum;

    /// <summary>Takes the memory, and writes to it, so that every page is there.</summary>
    /// <param name="threads">The team.</param>
    /// <param name="bytes">How much.</param>
    /// <exception cref="LlavaException">Too little memory is free.</exception>
    public MemoryReading(KernelThreads threads, long bytes = Bytes)
    {
        if (MemoryInspector.Inspect().Free is var free && free < bytes + bytes / 4)
            throw new LlavaException(FormattableString.Invariant($"Measuring how fast memory is read takes {bytes / 1e9:F1} GB of it, and {free / 1e9:F1} GB are free. Close other programs."));
        (_threads, _bytes) = (threads, bytes);
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        NativeMemory.Fill(_memory, (nuint)bytes, 1);
    }

    /// <summary>Reads all of it once.</summary>
    /// <returns>Bytes a second.</returns>
    public double Run()
    {
        ObjectDisposedException.ThrowIf(_memory == null, this);
        return _bytes / Timing.Seconds(() => _threads.Run(this, _threads.Count));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void RunPart(int part)
    {
        var length = _bytes / _threads.Count / Step * Step;
        var at = _memory + part * length;
        Vector256<ulong> a = default, b = default, c = default, d = default;
        for (var end = at + length; at < end; at += Step)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(at + Ahead);
                Sse.Prefetch0(at + Ahead + 64);
                Sse.Prefetch0(at + Ahead + 128);
                Sse.Prefetch0(at + Ahead + 192);
            }
            a += Vector256.Load((ulong*)at) + Vector256.Load((ulong*)at + 4);
            b += Vector256.Load((ulong*)at + 8) + Vector256.Load((ulong*)at + 12);
            c += Vector256.Load((ulong*)at + 16) + Vector256.Load((ulong*)at + 20);
            d += Vector256.Load((ulong*)at + 24) + Vector256.Load((ulong*)at + 28);
        }
        Interlocked.Add(ref _sum, Vector256.Sum(a + b + c + d));   // used, so that no reading is left out
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
