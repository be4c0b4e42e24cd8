using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace LlavaSharp.Benchmarking.Machine;

/// <summary>Multiplications of bytes whose products are added up, as the kernels do them. The numbers mean nothing and may wrap; time does not depend on them.</summary>
internal static class Int8Steps
{
    /// <summary>AVX-512 BW: pairs of products to 16 bits (<c>vpmaddubsw</c>), added there, and to 32 bits once a group.</summary>
    public readonly struct Avx512 : IPeakStep<Vector512<short>>
    {
        /// <inheritdoc/>
        public static Vector512<short> Start => Vector512.Create((short)0x0101);

        /// <inheritdoc/>
        public static int Operations => 2 * Vector512<byte>.Count;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Next(Vector512<short> chain, Vector512<short> operand) => Avx512BW.Add(chain, Avx512BW.MultiplyAddAdjacent(chain.AsByte(), operand.AsSByte()));

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Fold(Vector512<short> total, Vector512<short> chain) =>
            Avx512F.Add(total.AsInt32(), Avx512BW.MultiplyAddAdjacent(chain, Vector512.Create((short)1))).AsInt16();
    }

    /// <summary>AVX-VNNI: products of four bytes added to 32 bits (<c>vpdpbusd</c>).</summary>
    public readonly struct Vnni : IPeakStep<Vector256<int>>
    {
        /// <inheritdoc/>
        public static Vector256<int> Start => Vector256.Create(0x01010101);

        /// <inheritdoc/>
        public static int Operations => 2 * Vector256<byte>.Count;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Next(Vector256<int> chain, Vector256<int> operand) => AvxVnni.MultiplyWideningAndAdd(chain, operand.AsByte(), operand.AsSByte());

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Fold(Vector256<int> total, Vector256<int> chain) => total;
    }

    /// <summary>AVX2: as <see cref="Avx512"/> in registers of half the size.</summary>
    public readonly struct Avx2Pairs : IPeakStep<Vector256<short>>
    {
        /// <inheritdoc/>
        public static Vector256<short> Start => Vector256.Create((short)0x0101);

        /// <inheritdoc/>
        public static int Operations => 2 * Vector256<byte>.Count;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Next(Vector256<short> chain, Vector256<short> operand) => Avx2.Add(chain, Avx2.MultiplyAddAdjacent(chain.AsByte(), operand.AsSByte()));

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Fold(Vector256<short> total, Vector256<short> chain) =>
            Avx2.Add(total.AsInt32(), Avx2.MultiplyAddAdjacent(chain, Vector256.Create((short)1))).AsInt16();
    }

    /// <summary>ARM64 with dot products: products of four bytes added to 32 bits (<c>sdot</c>).</summary>
    public readonly struct DotProduct : IPeakStep<Vector128<int>>
    {
        /// <inheritdoc/>
        public static Vector128<int> Start => Vector128.Create(0x01010101);

        /// <inheritdoc/>
        public static int Operations => 2 * Vector128<byte>.Count;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<int> Next(Vector128<int> chain, Vector128<int> operand) => Dp.DotProduct(chain, operand.AsSByte(), operand.AsSByte());

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<int> Fold(Vector128<int> total, Vector128<int> chain) => total;
    }
}
