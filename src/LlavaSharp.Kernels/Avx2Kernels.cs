using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaSharp.Kernels;

/// <summary>For processors with AVX2 and FMA: a register holds a quad of inputs of eight rows.</summary>
internal sealed unsafe class Avx2Kernels : MatrixKernels
{
    private const int Line = 64;
    private const int Half = 32;
    private const int Ahead = 4096;   // bytes: what is that far on is fetched while this is computed; without it the two do not overlap

    /// <summary>Whether this processor can run them.</summary>
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    /// <inheritdoc/>
    public override string Name => "avx2";

    /// <inheritdoc/>
    public override void MultiplyTile(in PackedLayout layout, byte* block, QuantizedActivations x, int token, int count, float* results)
    {
        if (count < Avx2Tiles.Worthwhile)
            base.MultiplyTile(layout, block, x, token, count, results);
        else if (layout.Bits == WeightBits.Four)
            Avx2Tiles.MultiplyInt4(layout, block, x, token, count, results);
        else
            Avx2Tiles.MultiplyInt8(layout, block, x, token, count, results);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int4One(in BlockOperands operands)
    {
        byte* scales = operands.Scales, weights = operands.Weights;
        var (groups, bias) = (operands.Groups, operands.ScaleBias);
        var x = operands.X;
        var xScales = operands.XScales;
        var xOffsets = operands.XOffsets;
        var sum0 = Vector256<float>.Zero;   // rows 0 to 7
        var sum1 = Vector256<float>.Zero;   // rows 8 to 15
        for (var group = 0; group < groups; group++)
        {
            Vector256<short> a0 = Vector256.Create(xOffsets[group]).AsInt16(), a1 = a0;
            for (var line = 0; line < 4; line++)
            {
                Sse.Prefetch0(weights + line * Line + Ahead);
                var w0 = Avx.LoadVector256(weights + line * Line);
                var w1 = Avx.LoadVector256(weights + line * Line + Half);
                var low = Quad(x + line * 4);
                var high = Quad(x + 16 + line * 4);
                a0 = Avx2.Add(a0, Avx2.Add(Avx2.MultiplyAddAdjacent(Low(w0), low), Avx2.MultiplyAddAdjacent(High(w0), high)));
                a1 = Avx2.Add(a1, Avx2.Add(Avx2.MultiplyAddAdjacent(Low(w1), low), Avx2.MultiplyAddAdjacent(High(w1), high)));
            }
            var scale = Vector256.Create(xScales[group]);
            sum0 = Fma.MultiplyAdd(Total(a0), Avx.Multiply(ToSingle(scales, bias), scale), sum0);
            sum1 = Fma.MultiplyAdd(Total(a1), Avx.Multiply(ToSingle(scales + 16, bias), scale), sum1);
            scales += 32;
            weights += 4 * Line;
            x += PackedLayout.GroupInputs;
        }
        sum0.Store(operands.Results);
        sum1.Store(operands.Results + 8);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int4Four(in BlockOperands operands)
    {
        byte* scales = operands.Scales, weights = operands.Weights;
        var (groups, bias) = (operands.Groups, operands.ScaleBias);
        var x = operands.X;
        var xScales = operands.XScales;
        var xOffsets = operands.XOffsets;
        var stride = (nint)groups * PackedLayout.GroupInputs;
        Vector256<float> sum00 = default, sum01 = default, sum10 = default, sum11 = default, sum20 = default, sum21 = default, sum30 = default, sum31 = default;
        for (var group = 0; group < groups; group++)
        {
            Vector256<short> a00 = Vector256.Create(xOffsets[group]).AsInt16(), a01 = a00;
            Vector256<short> a10 = Vector256.Create(xOffsets[groups + group]).AsInt16(), a11 = a10;
            Vector256<short> a20 = Vector256.Create(xOffsets[2 * groups + group]).AsInt16(), a21 = a20;
            Vector256<short> a30 = Vector256.Create(xOffsets[3 * groups + group]).AsInt16(), a31 = a30;
            for (var line = 0; line < 4; line++)
            {
                Sse.Prefetch0(weights + line * Line + Ahead);
                var w0 = Avx.LoadVector256(weights + line * Line);
                var w1 = Avx.LoadVector256(weights + line * Line + Half);
                var low0 = Low(w0);
                var low1 = Low(w1);
                Add(ref a00, ref a01, low0, low1, Quad(x + line * 4));
                Add(ref a10, ref a11, low0, low1, Quad(x + stride + line * 4));
                Add(ref a20, ref a21, low0, low1, Quad(x + 2 * stride + line * 4));
                Add(ref a30, ref a31, low0, low1, Quad(x + 3 * stride + line * 4));
                var high0 = High(w0);
                var high1 = High(w1);
                Add(ref a00, ref a01, high0, high1, Quad(x + 16 + line * 4));
                Add(ref a10, ref a11, high0, high1, Quad(x + stride + 16 + line * 4));
                Add(ref a20, ref a21, high0, high1, Quad(x + 2 * stride + 16 + line * 4));
                Add(ref a30, ref a31, high0, high1, Quad(x + 3 * stride + 16 + line * 4));
            }
            var scale0 = ToSingle(scales, bias);
            var scale1 = ToSingle(scales + 16, bias);
            Finish(ref sum00, ref sum01, Total(a00), Total(a01), scale0, scale1, xScales[group]);
            Finish(ref sum10, ref sum11, Total(a10), Total(a11), scale0, scale1, xScales[groups + group]);
            Finish(ref sum20, ref sum21, Total(a20), Total(a21), scale0, scale1, xScales[2 * groups + group]);
            Finish(ref sum30, ref sum31, Total(a30), Total(a31), scale0, scale1, xScales[3 * groups + group]);
            scales += 32;
            weights += 4 * Line;
            x += PackedLayout.GroupInputs;
        }
        Store(operands.Results, sum00, sum01, sum10, sum11, sum20, sum21, sum30, sum31);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int8One(in BlockOperands operands)
    {
        byte* scales = operands.Scales, weights = operands.Weights;
        var (groups, bias) = (operands.Groups, operands.ScaleBias);
        var x = operands.XWide;
        var xScales = operands.XScales;
        var sum0 = Vector256<float>.Zero;
        var sum1 = Vector256<float>.Zero;
        for (var group = 0; group < groups; group++)
        {
            Vector256<int> a0 = default, a1 = default;
            for (var line = 0; line < 8; line++)
            {
                Sse.Prefetch0(weights + line * Line + Ahead);
                var w0 = Avx.LoadVector256(weights + line * Line);
                var w1 = Avx.LoadVector256(weights + line * Line + Half);
                Add(ref a0, ref a1, Even(w0), Even(w1), Pair(x + line * 4));
                Add(ref a0, ref a1, Odd(w0), Odd(w1), Pair(x + line * 4 + 2));
            }
            Finish(ref sum0, ref sum1, Avx.ConvertToVector256Single(a0), Avx.ConvertToVector256Single(a1), ToSingle(scales, bias), ToSingle(scales + 16, bias), xScales[group]);
            scales += 32;
            weights += 8 * Line;
            x += PackedLayout.GroupInputs;
        }
        sum0.Store(operands.Results);
        sum1.Store(operands.Results + 8);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int8Four(in BlockOperands operands)
    {
        byte* scales = operands.Scales, weights = operands.Weights;
        var (groups, bias) = (operands.Groups, operands.ScaleBias);
        var x = operands.XWide;
        var xScales = operands.XScales;
        var stride = (nint)groups * PackedLayout.GroupInputs;
        Vector256<float> sum00 = default, sum01 = default, sum10 = default, sum11 = default, sum20 = default, sum21 = default, sum30 = default, sum31 = default;
        for (var group = 0; group < groups; group++)
        {
            Vector256<int> a00 = default, a01 = default, a10 = default, a11 = default, a20 = default, a21 = default, a30 = default, a31 = default;
            for (var line = 0; line < 8; line++)
            {
                Sse.Prefetch0(weights + line * Line + Ahead);
                var w0 = Avx.LoadVector256(weights + line * Line);
                var w1 = Avx.LoadVector256(weights + line * Line + Half);
                var even0 = Even(w0);
                var even1 = Even(w1);
                Add(ref a00, ref a01, even0, even1, Pair(x + line * 4));
                Add(ref a10, ref a11, even0, even1, Pair(x + stride + line * 4));
                Add(ref a20, ref a21, even0, even1, Pair(x + 2 * stride + line * 4));
                Add(ref a30, ref a31, even0, even1, Pair(x + 3 * stride + line * 4));
                var odd0 = Odd(w0);
                var odd1 = Odd(w1);
                Add(ref a00, ref a01, odd0, odd1, Pair(x + line * 4 + 2));
                Add(ref a10, ref a11, odd0, odd1, Pair(x + stride + line * 4 + 2));
                Add(ref a20, ref a21, odd0, odd1, Pair(x + 2 * stride + line * 4 + 2));
                Add(ref a30, ref a31, odd0, odd1, Pair(x + 3 * stride + line * 4 + 2));
            }
            var scale0 = ToSingle(scales, bias);
            var scale1 = ToSingle(scales + 16, bias);
            Finish(ref sum00, ref sum01, Avx.ConvertToVector256Single(a00), Avx.ConvertToVector256Single(a01), scale0, scale1, xScales[group]);
            Finish(ref sum10, ref sum11, Avx.ConvertToVector256Single(a10), Avx.ConvertToVector256Single(a11), scale0, scale1, xScales[groups + group]);
            Finish(ref sum20, ref sum21, Avx.ConvertToVector256Single(a20), Avx.ConvertToVector256Single(a21), scale0, scale1, xScales[2 * groups + group]);
            Finish(ref sum30, ref sum31, Avx.ConvertToVector256Single(a30), Avx.ConvertToVector256Single(a31), scale0, scale1, xScales[3 * groups + group]);
            scales += 32;
            weights += 8 * Line;
            x += PackedLayout.GroupInputs;
        }
        Store(operands.Results, sum00, sum01, sum10, sum11, sum20, sum21, sum30, sum31);
    }

    /// <summary>Of each quad of 8-bit weights the inputs 0 and 2, in 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<short> Even(Vector256<byte> quads) => Avx2.ShiftRightArithmetic(Avx2.ShiftLeftLogical(quads.AsInt16(), 8), 8);

    /// <summary>Of each quad of 8-bit weights the inputs 1 and 3, in 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<short> Odd(Vector256<byte> quads) => Avx2.ShiftRightArithmetic(quads.AsInt16(), 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pair(short* x) => Vector256.Create(Unsafe.ReadUnaligned<int>(x)).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Quad(sbyte* x) => Vector256.Create(Unsafe.ReadUnaligned<int>(x)).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Low(Vector256<byte> pairs) => Avx2.And(pairs, Vector256.Create((byte)15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> High(Vector256<byte> pairs) => Avx2.And(Avx2.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte(), Vector256.Create((byte)15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(ref Vector256<short> a0, ref Vector256<short> a1, Vector256<byte> w0, Vector256<byte> w1, Vector256<sbyte> quad)
    {
        a0 = Avx2.Add(a0, Avx2.MultiplyAddAdjacent(w0, quad));
        a1 = Avx2.Add(a1, Avx2.MultiplyAddAdjacent(w1, quad));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(ref Vector256<int> a0, ref Vector256<int> a1, Vector256<short> w0, Vector256<short> w1, Vector256<short> pair)
    {
        a0 = Avx2.Add(a0, Avx2.MultiplyAddAdjacent(w0, pair));
        a1 = Avx2.Add(a1, Avx2.MultiplyAddAdjacent(w1, pair));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Total(Vector256<short> pairs) =>
        Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(pairs, Vector256.Create((short)1)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        ref Vector256<float> sum0, ref Vector256<float> sum1, Vector256<float> total0, Vector256<float> total1, Vector256<float> scale0, Vector256<float> scale1, float xScale)
    {
        var scale = Vector256.Create(xScale);
        sum0 = Fma.MultiplyAdd(total0, Avx.Multiply(scale0, scale), sum0);
        sum1 = Fma.MultiplyAdd(total1, Avx.Multiply(scale1, scale), sum1);
    }

    // PackedLayout.ToSingle for eight scales
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> ToSingle(byte* halves, int bias)
    {
        var bits = Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32((short*)halves), 13);
        return Avx2.Add(Avx2.And(bits, Vector256.Create(PackedLayout.HalfMask)), Vector256.Create(bias)).AsSingle();
    }

    private static void Store(
        float* results, Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, Vector256<float> e, Vector256<float> f, Vector256<float> g, Vector256<float> h)
    {
        a.Store(results);
        b.Store(results + 8);
        c.Store(results + 16);
        d.Store(results + 24);
        e.Store(results + 32);
        f.Store(results + 40);
        g.Store(results + 48);
        h.Store(results + 56);
    }
}
