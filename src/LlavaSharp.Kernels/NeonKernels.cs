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
            One(operands, quarter, four: true);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int4Four(in BlockOperands operands)
    {
        for (var quarter = 0; quarter < 4; quarter++)
            Four(operands, quarter, four: true);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int8One(in BlockOperands operands)
    {
        for (var quarter = 0; quarter < 4; quarter++)
            One(operands, quarter, four: false);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Int8Four(in BlockOperands operands)
    {
        for (var quarter = 0; quarter < 4; quarter++)
            Four(operands, quarter, four: false);
    }

    // inlined where the number of bits is known, so that no branch remains
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void One(in BlockOperands operands, int quarter, bool four)
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
                a = Dp.DotProduct(a, First(weights, line, four), Quad(x + line * 4));
                b = Dp.DotProduct(b, Second(weights, line, four), Quad(x + 16 + line * 4));
            }
            Finish(ref sum, a + b, ToSingle(scales, operands.ScaleBias), operands.XScales[group]);
            scales += PackedLayout.BlockRows;
            weights += four ? 4 * Line : 8 * Line;
            x += PackedLayout.GroupInputs;
        }
        sum.Store(operands.Results + quarter * 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(in BlockOperands operands, int quarter, bool four)
    {
        var (groups, bias) = (operands.Groups, operands.ScaleBias);
        var stride = (nint)groups * PackedLayout.GroupInputs;
        var x = operands.X;
        var xScales = operands.XScales;
        var scales = (ushort*)operands.Scales + quarter * 4;
        var weights = operands.Weights + quarter * 16;
        Vector128<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (var group = 0; group < groups; group++)
        {
            Vector128<int> a0 = default, a1 = default, a2 = default, a3 = default;
            for (var line = 0; line < 4; line++)
            {
                var first = First(weights, line, four);
                var second = Second(weights, line, four);
                var quad = x + line * 4;
                a0 = Dp.DotProduct(Dp.DotProduct(a0, first, Quad(quad)), second, Quad(quad + 16));
                a1 = Dp.DotProduct(Dp.DotProduct(a1, first, Quad(quad + stride)), second, Quad(quad + stride + 16));
                a2 = Dp.DotProduct(Dp.DotProduct(a2, first, Quad(quad + 2 * stride)), second, Quad(quad + 2 * stride + 16));
                a3 = Dp.DotProduct(Dp.DotProduct(a3, first, Quad(quad + 3 * stride)), second, Quad(quad + 3 * stride + 16));
            }
            var scale = ToSingle(scales, bias);
            Finish(ref sum0, a0, scale, xScales[group]);
            Finish(ref sum1, a1, scale, xScales[groups + group]);
            Finish(ref sum2, a2, scale, xScales[2 * groups + group]);
            Finish(ref sum3, a3, scale, xScales[3 * groups + group]);
            scales += PackedLayout.BlockRows;
            weights += four ? 4 * Line : 8 * Line;
            x += PackedLayout.GroupInputs;
        }
        var results = operands.Results + quarter * 4;
        sum0.Store(results);
        sum1.Store(results + PackedLayout.BlockRows);
        sum2.Store(results + 2 * PackedLayout.BlockRows);
        sum3.Store(results + 3 * PackedLayout.BlockRows);
    }

    // the inputs 4 * line to 4 * line + 3
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> First(byte* weights, int line, bool four) =>
        four ? (Vector128.Load(weights + line * Line) & Vector128.Create((byte)15)).AsSByte() - Vector128.Create((sbyte)8) : Vector128.Load((sbyte*)weights + line * Line);

    // those 16 further on
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Second(byte* weights, int line, bool four) =>
        four ? (Vector128.Load(weights + line * Line) >>> 4).AsSByte() - Vector128.Create((sbyte)8) : Vector128.Load((sbyte*)weights + (line + 4) * Line);

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
}
