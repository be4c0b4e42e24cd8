using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using LlavaSharp.Kernels;
using LlavaSharp.Native;

namespace LlavaSharp.Benchmarking.Machine;

/// <summary>What a machine can do at best, measured on it: the figures that a model's are held against.</summary>
/// <param name="Cpu">The processor's name; null when it does not say.</param>
/// <param name="Flags">Its instruction sets that matter to the kernels.</param>
/// <param name="Threads">How many threads measured.</param>
/// <param name="ReadBandwidth">Bytes a second that they read from memory, in order, 2 GB of it.</param>
/// <param name="Float32Peak">Multiplications and additions a second of single-precision numbers in registers.</param>
/// <param name="Int8Peak">The same of bytes, added up as the kernels do; null where there are no such instructions.</param>
/// <param name="Int8Instructions">What they are called; null where there are none.</param>
public sealed record MachineLimits(
    string? Cpu, IReadOnlyList<string> Flags, int Threads, double ReadBandwidth, double Float32Peak, double? Int8Peak, string? Int8Instructions)
{
    private const int Repeats = 5;           // the best counts: whatever disturbs makes it slower
    private const int Turns = 400_000;       // some tens of milliseconds

    /// <summary>Measures, in about two seconds.</summary>
    /// <param name="threads">How many threads.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than one thread.</exception>
    /// <exception cref="LlavaException">Too little memory is free.</exception>
    public static MachineLimits Measure(int threads)
    {
        using var team = new KernelThreads(threads);
        return Measure(team, MemoryReading.Bytes, Turns);
    }

    /// <summary>Measures with a team that exists, over other sizes.</summary>
    internal static MachineLimits Measure(KernelThreads team, long readBytes, int turns)
    {
        var cpu = CpuInspector.Inspect();
        using var reading = new MemoryReading(team, readBytes);
        var bandwidth = Enumerable.Range(0, Repeats).Max(_ => reading.Run());
        var single =
            Vector512.IsHardwareAccelerated ? Peak<Vector512<float>, Float32Steps.Wide>(team, turns)
            : Vector256.IsHardwareAccelerated ? Peak<Vector256<float>, Float32Steps.Middle>(team, turns)
            : Peak<Vector128<float>, Float32Steps.Narrow>(team, turns);
        (double? int8, string? name) = true switch
        {
            _ when Avx512BW.IsSupported => (Peak<Vector512<short>, Int8Steps.Avx512>(team, turns), "AVX512BW vpmaddubsw"),
            _ when AvxVnni.IsSupported => (Peak<Vector256<int>, Int8Steps.Vnni>(team, turns), "AVX-VNNI vpdpbusd"),
            _ when Avx2.IsSupported => (Peak<Vector256<short>, Int8Steps.Avx2Pairs>(team, turns), "AVX2 vpmaddubsw"),
            _ when Dp.IsSupported => (Peak<Vector128<int>, Int8Steps.DotProduct>(team, turns), "sdot"),
            _ => ((double?)null, (string?)null),
        };
        return new(cpu.Model, cpu.InstructionSets, team.Count, bandwidth, single, int8, name);
    }

    private static double Peak<T, TStep>(KernelThreads team, int turns)
        where T : struct
        where TStep : IPeakStep<T>
    {
        var work = new PeakWork<T, TStep>(team.Count, turns);
        return Enumerable.Range(0, Repeats).Max(_ => work.Operations / Timing.Seconds(() => team.Run(work, team.Count)));
    }
}
