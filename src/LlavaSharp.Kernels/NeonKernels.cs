using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace LlavaSharp.Kernels;

/// <summary>For ARM64 processors with the dot-product extension: a register holds a quad of inputs of four rows.</summary>
internal sealed unsafe class NeonKernels : MatrixKernels
{
    private const int Line = 64;

    /// <inheritdoc/>
    public override string Name => "neon";

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int4One(in BlockOperands operands)
    {
        for (var quarter = 0; quarter < 4; quarter++)
        {
            var x = operands.X;
            var scales = (ushort*)operands.Scales + quarter * 4;
            var weights = operands.Weights + quarter * 16;
            var sum = Vector128<float>.Zero;
            for (var group = 0; group < operands.Groups; group++)
            {
                Vector128<int> a = default, b = default;
                for (var line = 0; line < 4; line++)
                {
                    a = Dp.DotProduct(a, Low(weights + line * Line), Quad(x + line * 4));
                    b = Dp.DotProduct(b, High(weights + line * Line), Quad(x + 16 + line * 4));
                }
                Finish(ref sum, a + b, ToSingle(scales, operands.ScaleBias), operands.XScales[group]);
                scales += PackedLayout.BlockRows;
                weights += 4 * Line;
                x += PackedLayout.GroupInputs;
            }
            sum.Store(operands.Results + quarter * 4);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int4Four(in BlockOperands operands)
    {
        var (groups, bias) = (operands.Groups, operands.ScaleBias);
        var stride = (nint)groups * PackedLayout.GroupInputs;
        var xScales = operands.XScales;
        for (var quarter = 0; quarter < 4; quarter++)
        {
            var x = operands.X;
            var scales = (ushort*)operands.Scales + quarter * 4;
            var weights = operands.Weights + quarter * 16;
            Vector128<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
            for (var group = 0; group < groups; group++)
            {
                Vector128<int> a0 = default, a1 = default, a2 = default, a3 = default;
                for (var line = 0; line < 4; line++)
                {
                    var low = Low(weights + line * Line);
                    var high = High(weights + line * Line);
                    var quad = x + line * 4;
                    a0 = Dp.DotProduct(Dp.DotProduct(a0, low, Quad(quad)), high, Quad(quad + 16));
                    a1 = Dp.DotProduct(Dp.DotProduct(a1, low, Quad(quad + stride)), high, Quad(quad + stride + 16));
                    a2 = Dp.DotProduct(Dp.DotProduct(a2, low, Quad(quad + 2 * stride)), high, Quad(quad + 2 * stride + 16));
                    a3 = Dp.DotProduct(Dp.DotProduct(a3, low, Quad(quad + 3 * stride)), high, Quad(quad + 3 * stride + 16));
                }
                var scale = ToSingle(scales, bias);
                Finish(ref sum0, a0, scale, xScales[group]);
                Finish(ref sum1, a1, scale, xScales[groups + group]);
                Finish(ref sum2, a2, scale, xScales[2 * groups + group]);
                Finish(ref sum3, a3, scale, xScales[3 * groups + group]);
                scales += PackedLayout.BlockRows;
                weights += 4 * Line;
                x += PackedLayout.GroupInputs;
            }
            Store(operands.Results + quarter * 4, sum0, sum1, sum2, sum3);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int8One(in BlockOperands operands)
    {
        for (var quarter = 0; quarter < 4; quarter++)
        {
            var x = operands.XWide;
            var scales = (ushort*)operands.Scales + quarter * 4;
            var weights = operands.Weights + quarter * 16;
            var sum = Vector128<float>.Zero;
            for (var group = 0; group < operands.Groups; group++)
            {
                Vector128<int> a = default, b = default;    // of the rows 0 and 1, and 2 and 3, in pairs
                for (var line = 0; line < 8; line++)
                {
                    var w = Vector128.Load((short*)(weights + line * Line));
                    Add(ref a, ref b, Even(w), x + line * 4);
                    Add(ref a, ref b, Odd(w), x + line * 4 + 2);
                }
                Finish(ref sum, AdvSimd.Arm64.AddPairwise(a, b), ToSingle(scales, operands.ScaleBias), operands.XScales[group]);
                scales += PackedLayout.BlockRows;
                weights += 8 * Line;
                x += PackedLayout.GroupInputs;
            }
            sum.Store(operands.Results + quarter * 4);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int8Four(in BlockOperands operands)
    {
        var (groups, bias) = (operands.Groups, operands.ScaleBias);
        var stride = (nint)groups * PackedLayout.GroupInputs;
        var xScales = operands.XScales;
        for (var quarter = 0; quarter < 4; quarter++)
        {
            var x = operands.XWide;
            var scales = (ushort*)operands.Scales + quarter * 4;
            var weights = operands.Weights + quarter * 16;
            Vector128<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
            for (var group = 0; group < groups; group++)
            {
                Vector128<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
                for (var line = 0; line < 8; line++)
                {
                    var w = Vector128.Load((short*)(weights + line * Line));
                    var even = Even(w);
                    var odd = Odd(w);
                    var quad = x + line * 4;
                    Add(ref a0, ref b0, even, quad);
                    Add(ref a0, ref b0, odd, quad + 2);
                    Add(ref a1, ref b1, even, quad + stride);
                    Add(ref a1, ref b1, odd, quad + stride + 2);
                    Add(ref a2, ref b2, even, quad + 2 * stride);
                    Add(ref a2, ref b2, odd, quad + 2 * stride + 2);
                    Add(ref a3, ref b3, even, quad + 3 * stride);
                    Add(ref a3, ref b3, odd, quad + 3 * stride + 2);
                }
                var scale = ToSingle(scales, bias);
                Finish(ref sum0, AdvSimd.Arm64.AddPairwise(a0, b0), scale, xScales[group]);
                Finish(ref sum1, AdvSimd.Arm64.AddPairwise(a1, b1), scale, xScales[groups + group]);
                Finish(ref sum2, AdvSimd.Arm64.AddPairwise(a2, b2), scale, xScales[2 * groups + group]);
                Finish(ref sum3, AdvSimd.Arm64.AddPairwise(a3, b3), scale, xScales[3 * groups + group]);
                scales += PackedLayout.BlockRows;
                weights += 8 * Line;
                x += PackedLayout.GroupInputs;
            }
            Store(operands.Results + quarter * 4, sum0, sum1, sum2, sum3);
        }
    }

    // of each quad of 8-bit weights the inputs 0 and 2, in 16 bits
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Even(Vector128<short> quads) => (quads << 8) >> 8;

    // ... and 1 and 3
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Odd(Vector128<short> quads) => quads >> 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(ref Vector128<int> a, ref Vector128<int> b, Vector128<short> weights, short* pair)
    {
        var x = Vector128.Create(Unsafe.ReadUnaligned<int>(pair)).AsInt16();
        a = AdvSimd.MultiplyWideningLowerAndAdd(a, weights.GetLower(), x.GetLower());
        b = AdvSimd.MultiplyWideningUpperAndAdd(b, weights, x);
    }

    // the inputs 4q to 4q + 3 of line q
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Low(byte* line) => (Vector128.Load(line) & Vector128.Create((byte)15)).AsSByte() - Vector128.Create((sbyte)8);

    // those 16 further on
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> High(byte* line) => (Vector128.Load(line) >>> 4).AsSByte() - Vector128.Create((sbyte)8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Quad(sbyte* x) => Vector128.Create(Unsafe.ReadUnaligned<int>(x)).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(ref Vector128<float> sum, Vector128<int> total, Vector128<float> scale, float xScale) =>
        sum = Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(total), scale * xScale, sum);

    // PackedLayout.ToSingle for four scales
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ToSingle(ushort* halves, int bias)
    {
        var bits = Vector128.WidenLower(Vector64.Load((short*)halves).ToVector128()) << 13;
        return ((bits & Vector128.Create(PackedLayout.HalfMask)) + Vector128.Create(bias)).AsSingle();
    }

    private static void Store(float* results, Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        a.Store(results);
        b.Store(results + PackedLayout.BlockRows);
        c.Store(results + 2 * PackedLayout.BlockRows);
        d.Store(results + 3 * PackedLayout.BlockRows);
    }
}
