using System.Runtime.CompilerServices;
using LlavaSharp.Kernels;

namespace LlavaSharp.Benchmarking.Machine;

/// <summary>
/// Chains of multiplications and additions in registers: as many chains as hide the latency of any processor and as leave the compiler room in sixteen registers. No product of
/// matrices can do more, since it has to load its operands.
/// </summary>
internal sealed class PeakWork<T, TStep>(int parts, int turns) : KernelWork
    where T : struct
    where TStep : IPeakStep<T>
{
    /// <summary>Steps of a chain before it is added up: a group of 32 inputs, four to a step.</summary>
    public const int Steps = 8;

    private const int Chains = 10;
    private readonly T[] _totals = new T[parts];   // kept, so that nothing is left out

    /// <summary>Multiplications and additions of all parts.</summary>
    public double Operations => (double)parts * turns * Steps * Chains * TStep.Operations;

    /// <inheritdoc/>
    public override void RunPart(int part) => _totals[part] = Compute(turns);

    // calls nothing, not even to report an index: a call takes all registers away
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static T Compute(int turns)
    {
        T x = TStep.Start, total = x;
        T a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x;
        for (var turn = 0; turn < turns; turn++)
        {
            for (var step = 0; step < Steps; step++)
            {
                a = TStep.Next(a, x);
                b = TStep.Next(b, x);
                c = TStep.Next(c, x);
                d = TStep.Next(d, x);
                e = TStep.Next(e, x);
                f = TStep.Next(f, x);
                g = TStep.Next(g, x);
                h = TStep.Next(h, x);
                i = TStep.Next(i, x);
                j = TStep.Next(j, x);
            }
            total = TStep.Fold(TStep.Fold(TStep.Fold(TStep.Fold(TStep.Fold(total, a), b), c), d), e);
            total = TStep.Fold(TStep.Fold(TStep.Fold(TStep.Fold(TStep.Fold(total, f), g), h), i), j);
        }
        // where folding does nothing, the chains still count; no loop over them, which would keep them in memory
        total = TStep.Next(TStep.Next(TStep.Next(TStep.Next(TStep.Next(total, a), b), c), d), e);
        return TStep.Next(TStep.Next(TStep.Next(TStep.Next(TStep.Next(total, f), g), h), i), j);
    }
}
