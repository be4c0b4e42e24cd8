using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlavaSharp.Benchmarking.Machine;

/// <summary>Fused multiplication and addition of single-precision numbers, in registers of 64, 32 and 16 bytes. The chains go to one, so no number becomes too small to be fast.</summary>
internal static class Float32Steps
{
    /// <summary>AVX-512.</summary>
    public readonly struct Wide : IPeakStep<Vector512<float>>
    {
        /// <inheritdoc/>
        public static Vector512<float> Start => Vector512.Create(0.5f);

        /// <inheritdoc/>
        public static int Operations => 2 * Vector512<float>.Count;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Next(Vector512<float> chain, Vector512<float> operand) => Vector512.MultiplyAddEstimate(chain, operand, operand);

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Fold(Vector512<float> total, Vector512<float> chain) => total;
    }

    /// <summary>AVX with FMA.</summary>
    public readonly struct Middle : IPeakStep<Vector256<float>>
    {
        /// <inheritdoc/>
        public static Vector256<float> Start => Vector256.Create(0.5f);

        /// <inheritdoc/>
        public static int Operations => 2 * Vector256<float>.Count;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Next(Vector256<float> chain, Vector256<float> operand) => Vector256.MultiplyAddEstimate(chain, operand, operand);

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Fold(Vector256<float> total, Vector256<float> chain) => total;
    }

    /// <summary>NEON, and whatever else has registers of 16 bytes.</summary>
    public readonly struct Narrow : IPeakStep<Vector128<float>>
    {
        /// <inheritdoc/>
        public static Vector128<float> Start => Vector128.Create(0.5f);

        /// <inheritdoc/>
        public static int Operations => 2 * Vector128<float>.Count;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> Next(Vector128<float> chain, Vector128<float> operand) => Vector128.MultiplyAddEstimate(chain, operand, operand);

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> Fold(Vector128<float> total, Vector128<float> chain) => total;
    }
}
