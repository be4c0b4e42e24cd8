using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaSharp.Kernels;

/// <summary>For processors with AVX-512 (F, BW): a register holds a quad of inputs of all sixteen rows.</summary>
internal sealed unsafe class Avx512Kernels : MatrixKernels
{
    private const int Line = 64;
    private const int Eight = 8;
    private const int Ahead = 4096;   // bytes: what is that far on is fetched while this is computed

    /// <summary>Whether this processor can run them.</summary>
    public static bool IsSupported => Avx512F.IsSupported && Avx512BW.IsSupported;

    /// <inheritdoc/>
    public override string Name => "avx512";

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void MultiplyTile(in PackedLayout layout, byte* block, QuantizedActivations x, int token, int count, float* results)
    {
        var done = 0;
        if (x.HasEights && token % Eight == 0)
        {
            var spare = stackalloc float[Eight * PackedLayout.BlockRows];   // where results of tokens go that only fill up
            for (; count - done >= QuantizedActivations.FewestForEights; done += Eight)
            {
                var isWhole = count - done >= Eight;
                var target = results + done * PackedLayout.BlockRows;
                Int4Eight(layout, block, x, (token + done) / Eight, isWhole ? target : spare);
                if (isWhole)
                    continue;
                new ReadOnlySpan<float>(spare, (count - done) * PackedLayout.BlockRows).CopyTo(new Span<float>(target, (count - done) * PackedLayout.BlockRows));
                return;
            }
        }
        base.MultiplyTile(layout, block, x, token + done, count - done, results + done * PackedLayout.BlockRows);
    }

    /// <summary>4-bit weights times eight tokens: weights are unpacked once for all of them, which 32 registers allow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Int4Eight(in PackedLayout layout, byte* block, QuantizedActivations activations, int eight, float* results)
    {
        var (groups, bias) = (layout.Groups, layout.ScaleBias);
        byte* scales = block, weights = block + layout.ValuesOffset;
        var first = (nint)eight * groups * Eight;
        var x = activations.Eights + first * PackedLayout.GroupInputs;
        var xScales = activations.EightScales + first;
        var xOffsets = activations.EightOffsets + first;
        Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default, sum4 = default, sum5 = default, sum6 = default, sum7 = default;
        for (var group = 0; group < groups; group++)
        {
            var a0 = Vector512.Create(xOffsets[0]).AsInt16();
            var a1 = Vector512.Create(xOffsets[1]).AsInt16();
            var a2 = Vector512.Create(xOffsets[2]).AsInt16();
            var a3 = Vector512.Create(xOffsets[3]).AsInt16();
            var a4 = Vector512.Create(xOffsets[4]).AsInt16();
            var a5 = Vector512.Create(xOffsets[5]).AsInt16();
            var a6 = Vector512.Create(xOffsets[6]).AsInt16();
            var a7 = Vector512.Create(xOffsets[7]).AsInt16();
            for (var line = 0; line < 4; line++)
            {
                Sse.Prefetch0(weights + Ahead);
                var w = Vector512.Load(weights);
                var low = Low(w);
                a0 = Avx512BW.Add(a0, Avx512BW.MultiplyAddAdjacent(low, Quad(x)));
                a1 = Avx512BW.Add(a1, Avx512BW.MultiplyAddAdjacent(low, Quad(x + 32)));
                a2 = Avx512BW.Add(a2, Avx512BW.MultiplyAddAdjacent(low, Quad(x + 64)));
                a3 = Avx512BW.Add(a3, Avx512BW.MultiplyAddAdjacent(low, Quad(x + 96)));
                a4 = Avx512BW.Add(a4, Avx512BW.MultiplyAddAdjacent(low, Quad(x + 128)));
                a5 = Avx512BW.Add(a5, Avx512BW.MultiplyAddAdjacent(low, Quad(x + 160)));
                a6 = Avx512BW.Add(a6, Avx512BW.MultiplyAddAdjacent(low, Quad(x + 192)));
                a7 = Avx512BW.Add(a7, Avx512BW.MultiplyAddAdjacent(low, Quad(x + 224)));
                var high = High(w);
                a0 = Avx512BW.Add(a0, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 16)));
                a1 = Avx512BW.Add(a1, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 48)));
                a2 = Avx512BW.Add(a2, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 80)));
                a3 = Avx512BW.Add(a3, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 112)));
                a4 = Avx512BW.Add(a4, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 144)));
                a5 = Avx512BW.Add(a5, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 176)));
                a6 = Avx512BW.Add(a6, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 208)));
                a7 = Avx512BW.Add(a7, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 240)));
                weights += Line;
                x += 4;
            }
            var scale = ToSingle(scales, bias);
            Finish(ref sum0, Total(a0), scale, xScales[0]);
            Finish(ref sum1, Total(a1), scale, xScales[1]);
            Finish(ref sum2, Total(a2), scale, xScales[2]);
            Finish(ref sum3, Total(a3), scale, xScales[3]);
            Finish(ref sum4, Total(a4), scale, xScales[4]);
            Finish(ref sum5, Total(a5), scale, xScales[5]);
            Finish(ref sum6, Total(a6), scale, xScales[6]);
            Finish(ref sum7, Total(a7), scale, xScales[7]);
            scales += 32;
            x += (Eight * PackedLayout.GroupInputs) - 16;
            xScales += Eight;
            xOffsets += Eight;
        }
        Store(results, sum0, sum1, sum2, sum3);
        Store(results + 64, sum4, sum5, sum6, sum7);
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
        var sum = Vector512<float>.Zero;
        for (var group = 0; group < groups; group++)
        {
            Vector512<short> a = Vector512.Create(xOffsets[group]).AsInt16(), b = default;
            for (var line = 0; line < 4; line++)
            {
                Sse.Prefetch0(weights + line * Line + Ahead);
                var w = Vector512.Load(weights + line * Line);
                a = Avx512BW.Add(a, Avx512BW.MultiplyAddAdjacent(Low(w), Quad(x + line * 4)));
                b = Avx512BW.Add(b, Avx512BW.MultiplyAddAdjacent(High(w), Quad(x + 16 + line * 4)));
            }
            Finish(ref sum, Total(Avx512BW.Add(a, b)), ToSingle(scales, bias), xScales[group]);
            scales += 32;
            weights += 4 * Line;
            x += PackedLayout.GroupInputs;
        }
        sum.Store(operands.Results);
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
        Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (var group = 0; group < groups; group++)
        {
            var a0 = Vector512.Create(xOffsets[group]).AsInt16();
            var a1 = Vector512.Create(xOffsets[groups + group]).AsInt16();
            var a2 = Vector512.Create(xOffsets[2 * groups + group]).AsInt16();
            var a3 = Vector512.Create(xOffsets[3 * groups + group]).AsInt16();
            for (var line = 0; line < 4; line++)
            {
                Sse.Prefetch0(weights + line * Line + Ahead);
                var w = Vector512.Load(weights + line * Line);
                var low = Low(w);
                a0 = Avx512BW.Add(a0, Avx512BW.MultiplyAddAdjacent(low, Quad(x + line * 4)));
                a1 = Avx512BW.Add(a1, Avx512BW.MultiplyAddAdjacent(low, Quad(x + stride + line * 4)));
                a2 = Avx512BW.Add(a2, Avx512BW.MultiplyAddAdjacent(low, Quad(x + 2 * stride + line * 4)));
                a3 = Avx512BW.Add(a3, Avx512BW.MultiplyAddAdjacent(low, Quad(x + 3 * stride + line * 4)));
                var high = High(w);
                a0 = Avx512BW.Add(a0, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 16 + line * 4)));
                a1 = Avx512BW.Add(a1, Avx512BW.MultiplyAddAdjacent(high, Quad(x + stride + 16 + line * 4)));
                a2 = Avx512BW.Add(a2, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 2 * stride + 16 + line * 4)));
                a3 = Avx512BW.Add(a3, Avx512BW.MultiplyAddAdjacent(high, Quad(x + 3 * stride + 16 + line * 4)));
            }
            var scale = ToSingle(scales, bias);
            Finish(ref sum0, Total(a0), scale, xScales[group]);
            Finish(ref sum1, Total(a1), scale, xScales[groups + group]);
            Finish(ref sum2, Total(a2), scale, xScales[2 * groups + group]);
            Finish(ref sum3, Total(a3), scale, xScales[3 * groups + group]);
            scales += 32;
            weights += 4 * Line;
            x += PackedLayout.GroupInputs;
        }
        Store(operands.Results, sum0, sum1, sum2, sum3);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int8One(in BlockOperands operands)
    {
        byte* scales = operands.Scales, weights = operands.Weights;
        var (groups, bias) = (operands.Groups, operands.ScaleBias);
        var x = operands.XWide;
        var xScales = operands.XScales;
        var sum = Vector512<float>.Zero;
        for (var group = 0; group < groups; group++)
        {
            Vector512<int> a = default, b = default;
            for (var line = 0; line < 8; line++)
            {
                Sse.Prefetch0(weights + line * Line + Ahead);
                var w = Vector512.Load((short*)(weights + line * Line));
                a = Add(a, Even(w), x + line * 4);
                b = Add(b, Odd(w), x + line * 4 + 2);
            }
            Finish(ref sum, Avx512F.ConvertToVector512Single(Avx512F.Add(a, b)), ToSingle(scales, bias), xScales[group]);
            scales += 32;
            weights += 8 * Line;
            x += PackedLayout.GroupInputs;
        }
        sum.Store(operands.Results);
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
        Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (var group = 0; group < groups; group++)
        {
            Vector512<int> a0 = default, a1 = default, a2 = default, a3 = default;
            for (var line = 0; line < 8; line++)
            {
                Sse.Prefetch0(weights + line * Line + Ahead);
                var w = Vector512.Load((short*)(weights + line * Line));
                var even = Even(w);
                a0 = Add(a0, even, x + line * 4);
                a1 = Add(a1, even, x + stride + line * 4);
                a2 = Add(a2, even, x + 2 * stride + line * 4);
                a3 = Add(a3, even, x + 3 * stride + line * 4);
                var odd = Odd(w);
                a0 = Add(a0, odd, x + line * 4 + 2);
                a1 = Add(a1, odd, x + stride + line * 4 + 2);
                a2 = Add(a2, odd, x + 2 * stride + line * 4 + 2);
                a3 = Add(a3, odd, x + 3 * stride + line * 4 + 2);
            }
            var scale = ToSingle(scales, bias);
            Finish(ref sum0, Avx512F.ConvertToVector512Single(a0), scale, xScales[group]);
            Finish(ref sum1, Avx512F.ConvertToVector512Single(a1), scale, xScales[groups + group]);
            Finish(ref sum2, Avx512F.ConvertToVector512Single(a2), scale, xScales[2 * groups + group]);
            Finish(ref sum3, Avx512F.ConvertToVector512Single(a3), scale, xScales[3 * groups + group]);
            scales += 32;
            weights += 8 * Line;
            x += PackedLayout.GroupInputs;
        }
        Store(operands.Results, sum0, sum1, sum2, sum3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<sbyte> Quad(sbyte* x) => Vector512.Create(Unsafe.ReadUnaligned<int>(x)).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Low(Vector512<byte> pairs) => pairs & Vector512.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> High(Vector512<byte> pairs) => Avx512BW.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte() & Vector512.Create((byte)15);

    // of each quad of 8-bit weights the inputs 0 and 2, in 16 bits
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Even(Vector512<short> quads) => Avx512BW.ShiftRightArithmetic(Avx512BW.ShiftLeftLogical(quads, 8), 8);

    // ... and 1 and 3
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Odd(Vector512<short> quads) => Avx512BW.ShiftRightArithmetic(quads, 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Add(Vector512<int> total, Vector512<short> weights, short* pair) =>
        Avx512F.Add(total, Avx512BW.MultiplyAddAdjacent(weights, Vector512.Create(Unsafe.ReadUnaligned<int>(pair)).AsInt16()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Total(Vector512<short> pairs) =>
        Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(pairs, Vector512.Create((short)1)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(ref Vector512<float> sum, Vector512<float> total, Vector512<float> scale, float xScale) =>
        sum = Avx512F.FusedMultiplyAdd(total, Avx512F.Multiply(scale, Vector512.Create(xScale)), sum);

    // PackedLayout.ToSingle for sixteen scales
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ToSingle(byte* halves, int bias)
    {
        var bits = Avx512F.ShiftLeftLogical(Avx512F.ConvertToVector512Int32(Vector256.Load((short*)halves)), 13);
        return ((bits & Vector512.Create(PackedLayout.HalfMask)) + Vector512.Create(bias)).AsSingle();
    }

    private static void Store(float* results, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        a.Store(results);
        b.Store(results + 16);
        c.Store(results + 32);
        d.Store(results + 48);
    }
}
