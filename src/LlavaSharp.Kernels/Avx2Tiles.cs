using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaSharp.Kernels;

/// <summary>
/// Products of a block with several tokens, for processors with AVX2: a piece of the block is unpacked into the first-level cache once, and then multiplied by
/// four tokens at a time.
/// </summary>
internal static unsafe class Avx2Tiles
{
    /// <summary>From so many tokens on, unpacking pays (measured: a tenth at 64 tokens, nothing at 8).</summary>
    public const int Worthwhile = 16;

    private const int Tokens = 4;               // a call
    private const int ScratchBytes = 16 * 1024; // of a piece's unpacked values: half of the first-level cache
    private const int Int4Groups = ScratchBytes / (PackedLayout.BlockRows * PackedLayout.GroupInputs);   // a byte a value
    private const int Int8Groups = Int4Groups / 2;                                                       // two bytes a value
    private const int Half = 32;
    private const int Line = 64;

    /// <summary>A block of 4-bit weights times some tokens: <see cref="MatrixKernels.MultiplyTile"/>.</summary>
    [SkipLocalsInit]
    public static void MultiplyInt4(in PackedLayout layout, byte* block, QuantizedActivations x, int token, int count, float* results)
    {
        new Span<float>(results, count * PackedLayout.BlockRows).Clear();
        var scratch = stackalloc byte[ScratchBytes + Line];
        scratch = (byte*)(((nint)scratch + Line - 1) / Line * Line);
        var scales = stackalloc float[Int4Groups * PackedLayout.BlockRows];
        var spare = stackalloc float[PackedLayout.BlockRows];   // where results of tokens go that only fill up
        for (var group = 0; group < layout.Groups; group += Int4Groups)
        {
            var groups = Math.Min(Int4Groups, layout.Groups - group);
            UnpackScales(block + (nint)group * PackedLayout.BlockRows * sizeof(ushort), groups, layout.ScaleBias, scales);
            UnpackInt4(block + layout.ValuesOffset + (nint)group * layout.GroupBytes, groups, scratch);
            for (var done = 0; done < count; done += Tokens)
            {
                var places = Places.Of(x, token, done, count, group);
                MultiplyInt4(scratch, scales, groups, places.In(x.Values, PackedLayout.GroupInputs), places.In(x.Scales, 1), places.In(x.Offsets, 1), Targets(results, spare, done, count));
            }
        }
    }

    /// <summary>A block of 8-bit weights times some tokens: <see cref="MatrixKernels.MultiplyTile"/>.</summary>
    [SkipLocalsInit]
    public static void MultiplyInt8(in PackedLayout layout, byte* block, QuantizedActivations x, int token, int count, float* results)
    {
        new Span<float>(results, count * PackedLayout.BlockRows).Clear();
        var scratch = stackalloc byte[ScratchBytes + Line];
        scratch = (byte*)(((nint)scratch + Line - 1) / Line * Line);
        var scales = stackalloc float[Int8Groups * PackedLayout.BlockRows];
        var spare = stackalloc float[PackedLayout.BlockRows];
        for (var group = 0; group < layout.Groups; group += Int8Groups)
        {
            var groups = Math.Min(Int8Groups, layout.Groups - group);
            UnpackScales(block + (nint)group * PackedLayout.BlockRows * sizeof(ushort), groups, layout.ScaleBias, scales);
            UnpackInt8(block + layout.ValuesOffset + (nint)group * layout.GroupBytes, groups, (short*)scratch);
            for (var done = 0; done < count; done += Tokens)
            {
                var places = Places.Of(x, token, done, count, group);
                MultiplyInt8((short*)scratch, scales, groups, places.In(x.Wide, PackedLayout.GroupInputs), places.In(x.Scales, 1), Targets(results, spare, done, count));
            }
        }
    }

    private static Four<float> Targets(float* results, float* spare, int done, int count)
    {
        var first = results + (nint)done * PackedLayout.BlockRows;
        return new(first, Target(1), Target(2), Target(3));

        float* Target(int i) => done + i < count ? first + i * PackedLayout.BlockRows : spare;
    }

    /// <summary>Nibbles to bytes 0 to 15: eight lines a group, line q with the inputs 4q to 4q+3 of row after row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackInt4(byte* weights, int groups, byte* target)
    {
        var mask = Vector256.Create((byte)15);
        for (var i = 0; i < groups; i++)
        {
            for (var half = 0; half < 4 * Line; half += Half)
            {
                var pairs = Avx.LoadVector256(weights + half);
                Avx.Store(target + half, Avx2.And(pairs, mask));
                Avx.Store(target + 4 * Line + half, Avx2.And(Avx2.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte(), mask));
            }
            weights += 4 * Line;
            target += 8 * Line;
        }
    }

    /// <summary>Bytes to 16 bits: sixteen lines a group, in pairs the inputs 4q and 4q+2, and 4q+1 and 4q+3, of row after row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackInt8(byte* weights, int groups, short* target)
    {
        for (var i = 0; i < 8 * groups; i++)
        {
            for (var half = 0; half < 2; half++)
            {
                var quads = Avx.LoadVector256(weights + half * Half);
                Avx.Store(target + half * 16, Avx2Kernels.Even(quads));
                Avx.Store(target + 32 + half * 16, Avx2Kernels.Odd(quads));
            }
            weights += Line;
            target += 64;
        }
    }

    /// <summary>Scales to single precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackScales(byte* halves, int groups, int bias, float* target)
    {
        for (var i = 0; i < groups * PackedLayout.BlockRows; i += 8)
            Avx.Store(target + i, Avx2Kernels.ToSingle(halves + i * sizeof(ushort), bias));
    }

    /// <summary>Adds the products of unpacked 4-bit weights with four tokens.</summary>
    /// <param name="weights">As <see cref="UnpackInt4"/> made them.</param>
    /// <param name="scales">[groups][16], as <see cref="UnpackScales"/> made them.</param>
    /// <param name="groups">How many groups.</param>
    /// <param name="x">Four tokens' values, from the piece's first group on.</param>
    /// <param name="xScales">Their scales.</param>
    /// <param name="xOffsets">Their offsets.</param>
    /// <param name="results">Four times [16].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyInt4(byte* weights, float* scales, int groups, in Four<sbyte> x, in Four<float> xScales, in Four<int> xOffsets, in Four<float> results)
    {
        sbyte* x0 = x.A, x1 = x.B, x2 = x.C, x3 = x.D;
        for (var group = 0; group < groups; group++)
        {
            Vector256<short> a0 = Vector256.Create(xOffsets.A[group]).AsInt16(), b0 = a0;
            Vector256<short> a1 = Vector256.Create(xOffsets.B[group]).AsInt16(), b1 = a1;
            Vector256<short> a2 = Vector256.Create(xOffsets.C[group]).AsInt16(), b2 = a2;
            Vector256<short> a3 = Vector256.Create(xOffsets.D[group]).AsInt16(), b3 = a3;
            for (var i = 0; i < PackedLayout.GroupInputs; i += 4)
            {
                var first = Avx.LoadVector256(weights);
                var second = Avx.LoadVector256(weights + Half);
                var quad = Vector256.Create(Unsafe.ReadUnaligned<int>(x0 + i)).AsSByte();
                a0 = Avx2.Add(a0, Avx2.MultiplyAddAdjacent(first, quad));
                b0 = Avx2.Add(b0, Avx2.MultiplyAddAdjacent(second, quad));
                quad = Vector256.Create(Unsafe.ReadUnaligned<int>(x1 + i)).AsSByte();
                a1 = Avx2.Add(a1, Avx2.MultiplyAddAdjacent(first, quad));
                b1 = Avx2.Add(b1, Avx2.MultiplyAddAdjacent(second, quad));
                quad = Vector256.Create(Unsafe.ReadUnaligned<int>(x2 + i)).AsSByte();
                a2 = Avx2.Add(a2, Avx2.MultiplyAddAdjacent(first, quad));
                b2 = Avx2.Add(b2, Avx2.MultiplyAddAdjacent(second, quad));
                quad = Vector256.Create(Unsafe.ReadUnaligned<int>(x3 + i)).AsSByte();
                a3 = Avx2.Add(a3, Avx2.MultiplyAddAdjacent(first, quad));
                b3 = Avx2.Add(b3, Avx2.MultiplyAddAdjacent(second, quad));
                weights += Line;
            }
            var ones = Vector256.Create((short)1);
            var scale0 = Avx.LoadVector256(scales);
            var scale1 = Avx.LoadVector256(scales + 8);
            Finish(results.A, Avx2.MultiplyAddAdjacent(a0, ones), Avx2.MultiplyAddAdjacent(b0, ones), scale0, scale1, xScales.A[group]);
            Finish(results.B, Avx2.MultiplyAddAdjacent(a1, ones), Avx2.MultiplyAddAdjacent(b1, ones), scale0, scale1, xScales.B[group]);
            Finish(results.C, Avx2.MultiplyAddAdjacent(a2, ones), Avx2.MultiplyAddAdjacent(b2, ones), scale0, scale1, xScales.C[group]);
            Finish(results.D, Avx2.MultiplyAddAdjacent(a3, ones), Avx2.MultiplyAddAdjacent(b3, ones), scale0, scale1, xScales.D[group]);
            x0 += PackedLayout.GroupInputs;
            x1 += PackedLayout.GroupInputs;
            x2 += PackedLayout.GroupInputs;
            x3 += PackedLayout.GroupInputs;
            scales += PackedLayout.BlockRows;
        }
    }

    /// <summary>Adds the products of unpacked 8-bit weights with four tokens.</summary>
    /// <param name="weights">As <see cref="UnpackInt8"/> made them.</param>
    /// <param name="scales">[groups][16], as <see cref="UnpackScales"/> made them.</param>
    /// <param name="groups">How many groups.</param>
    /// <param name="x">Four tokens' values in 16 bits, from the piece's first group on.</param>
    /// <param name="xScales">Their scales.</param>
    /// <param name="results">Four times [16].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyInt8(short* weights, float* scales, int groups, in Four<short> x, in Four<float> xScales, in Four<float> results)
    {
        short* x0 = x.A, x1 = x.B, x2 = x.C, x3 = x.D;
        for (var group = 0; group < groups; group++)
        {
            Vector256<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
            for (var i = 0; i < PackedLayout.GroupInputs; i += 2)
            {
                var first = Avx.LoadVector256(weights);
                var second = Avx.LoadVector256(weights + 16);
                var pair = Vector256.Create(Unsafe.ReadUnaligned<int>(x0 + i)).AsInt16();
                a0 = Avx2.Add(a0, Avx2.MultiplyAddAdjacent(first, pair));
                b0 = Avx2.Add(b0, Avx2.MultiplyAddAdjacent(second, pair));
                pair = Vector256.Create(Unsafe.ReadUnaligned<int>(x1 + i)).AsInt16();
                a1 = Avx2.Add(a1, Avx2.MultiplyAddAdjacent(first, pair));
                b1 = Avx2.Add(b1, Avx2.MultiplyAddAdjacent(second, pair));
                pair = Vector256.Create(Unsafe.ReadUnaligned<int>(x2 + i)).AsInt16();
                a2 = Avx2.Add(a2, Avx2.MultiplyAddAdjacent(first, pair));
                b2 = Avx2.Add(b2, Avx2.MultiplyAddAdjacent(second, pair));
                pair = Vector256.Create(Unsafe.ReadUnaligned<int>(x3 + i)).AsInt16();
                a3 = Avx2.Add(a3, Avx2.MultiplyAddAdjacent(first, pair));
                b3 = Avx2.Add(b3, Avx2.MultiplyAddAdjacent(second, pair));
                weights += 32;
            }
            var scale0 = Avx.LoadVector256(scales);
            var scale1 = Avx.LoadVector256(scales + 8);
            Finish(results.A, a0, b0, scale0, scale1, xScales.A[group]);
            Finish(results.B, a1, b1, scale0, scale1, xScales.B[group]);
            Finish(results.C, a2, b2, scale0, scale1, xScales.C[group]);
            Finish(results.D, a3, b3, scale0, scale1, xScales.D[group]);
            x0 += PackedLayout.GroupInputs;
            x1 += PackedLayout.GroupInputs;
            x2 += PackedLayout.GroupInputs;
            x3 += PackedLayout.GroupInputs;
            scales += PackedLayout.BlockRows;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(float* results, Vector256<int> total0, Vector256<int> total1, Vector256<float> scale0, Vector256<float> scale1, float xScale)
    {
        var scale = Vector256.Create(xScale);
        Avx.Store(results, Fma.MultiplyAdd(Avx.ConvertToVector256Single(total0), Avx.Multiply(scale0, scale), Avx.LoadVector256(results)));
        Avx.Store(results + 8, Fma.MultiplyAdd(Avx.ConvertToVector256Single(total1), Avx.Multiply(scale1, scale), Avx.LoadVector256(results + 8)));
    }

    /// <summary>Where the numbers of four tokens lie.</summary>
    private readonly struct Four<T>(T* a, T* b, T* c, T* d)
        where T : unmanaged
    {
        public readonly T* A = a;
        public readonly T* B = b;
        public readonly T* C = c;
        public readonly T* D = d;
    }

    // which group of all tokens' groups four tokens begin with; tokens beyond the last one are the last one
    private readonly record struct Places(nint A, nint B, nint C, nint D)
    {
        public static Places Of(QuantizedActivations x, int token, int done, int count, int group)
        {
            return new(Place(0), Place(1), Place(2), Place(3));

            nint Place(int i) => (nint)(token + Math.Min(done + i, count - 1)) * x.Groups + group;
        }

        public Four<T> In<T>(T* values, nint size)
            where T : unmanaged => new(values + A * size, values + B * size, values + C * size, values + D * size);
    }
}
