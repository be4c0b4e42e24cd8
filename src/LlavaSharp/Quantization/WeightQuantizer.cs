using System.Runtime.Intrinsics;
using LlavaSharp.Kernels;

namespace LlavaSharp.Quantization;

/// <summary>Rounds weights to the packed forms of the kernels.</summary>
internal static unsafe class WeightQuantizer
{
    private const int TopExponent = 14;      // the largest scale is put below 2^15, so that those 2^29 times smaller are still normal halves
    private const int Group = PackedLayout.GroupInputs;
    private const int Steps = 9;             // candidates to either side of the scale that makes the largest weight -8
    private const float StepSize = 0.1f;     // in levels

    // the kernels take normal numbers only: PackedLayout.ToSingle
    private static readonly Half _smallestScale = BitConverter.UInt16BitsToHalf(0x0400);

    /// <summary>The layout of a matrix whose weights have that largest magnitude.</summary>
    /// <param name="rows">Outputs.</param>
    /// <param name="inputs">Inputs.</param>
    /// <param name="bits">Bits a weight.</param>
    /// <param name="largest">The largest magnitude; finite.</param>
    public static PackedLayout Layout(int rows, int inputs, WeightBits bits, float largest)
    {
        var scale = largest / (bits == WeightBits.Four ? 7 : 127);   // least squares may choose a little more than an eighth
        return new(rows, inputs, bits, scale > 0 ? Math.Clamp(MathF.ILogB(scale) - TopExponent, -96, 96) : 0);
    }

    /// <summary>Quantises and stores a matrix, on all processors.</summary>
    /// <param name="layout">Where it goes.</param>
    /// <param name="data">The matrix's first byte; rows that only fill the last block become zeros.</param>
    /// <param name="weights">[rows][inputs]; finite.</param>
    /// <param name="importance">How much an error at each input counts; empty: equally.</param>
    public static void Put(PackedLayout layout, byte* data, float* weights, float[] importance) =>
        Parallel.For(0, layout.Blocks, block =>
        {
            new Span<byte>(data + block * layout.BlockBytes, (int)layout.BlockBytes).Clear();
            Span<sbyte> zeros = stackalloc sbyte[Group];
            zeros.Clear();
            for (var row = block * PackedLayout.BlockRows; row < (block + 1) * PackedLayout.BlockRows; row++)
            {
                if (row < layout.Rows)
                    PutRow(layout, data, row, new ReadOnlySpan<float>(weights + (nint)row * layout.Inputs, layout.Inputs), importance);
                else
                    for (var group = 0; group < layout.Groups; group++)
                        layout.Put(data + block * layout.BlockBytes, row % PackedLayout.BlockRows, group, zeros, Half.Zero);
            }
        });

    /// <summary>Quantises and stores one row.</summary>
    /// <param name="layout">Where it goes.</param>
    /// <param name="data">The matrix's first byte.</param>
    /// <param name="row">The row's number.</param>
    /// <param name="weights">Its weights, as many as the layout has inputs; finite.</param>
    /// <param name="importance">How much an error at each input counts; empty: equally.</param>
    public static void PutRow(PackedLayout layout, byte* data, int row, ReadOnlySpan<float> weights, ReadOnlySpan<float> importance)
    {
        Span<float> group = stackalloc float[Group];
        Span<float> counts = stackalloc float[Group];
        Span<sbyte> values = stackalloc sbyte[Group];
        var block = data + row / PackedLayout.BlockRows * layout.BlockBytes;
        for (var i = 0; i < layout.Groups; i++)
        {
            var start = i * Group;
            var length = Math.Min(Group, weights.Length - start);
            group.Clear();
            weights.Slice(start, length).CopyTo(group);
            counts.Fill(1);
            if (!importance.IsEmpty)
                importance.Slice(start, length).CopyTo(counts);
            var scale = StoredScale(layout, group, counts);
            var factor = scale == Half.Zero ? 0 : layout.ToSingle(scale);
            for (var k = 0; k < Group; k++)
                values[k] = Round(group[k], factor, layout.Bits);
            layout.Put(block, row % PackedLayout.BlockRows, i, values, scale);
        }
    }

    /// <summary>The scale of a group as it is stored.</summary>
    /// <param name="layout">Where it goes.</param>
    /// <param name="weights">32 weights.</param>
    /// <param name="importance">How much an error of each counts.</param>
    public static Half StoredScale(PackedLayout layout, ReadOnlySpan<float> weights, ReadOnlySpan<float> importance)
    {
        var chosen = layout.Bits == WeightBits.Four ? ChooseScale(weights, importance) : Math.Abs(Extreme(weights)) / 127;
        var scale = (Half)MathF.ScaleB(chosen, -layout.Exponent);
        return Half.IsSubnormal(scale) ? Half.CopySign(_smallestScale, scale) : scale;
    }

    /// <summary>The value of a weight under a scale, as near as the bits allow.</summary>
    public static sbyte Round(float weight, float scale, WeightBits bits)
    {
        var (least, most) = bits == WeightBits.Four ? (-8f, 7f) : (-127f, 127f);
        return scale == 0 ? (sbyte)0 : (sbyte)Math.Clamp(MathF.Round(weight / scale), least, most);
    }

    /// <summary>The scale with the least squared error among those near the one that makes the weight of largest magnitude -8.</summary>
    /// <remarks>With the levels of a candidate fixed, the best scale is a quotient of two sums (least squares), so each candidate costs one pass.</remarks>
    private static float ChooseScale(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance)
    {
        var extreme = Extreme(weights);
        if (extreme == 0)
            return 0;
        var (best, bestGain) = (extreme / -8, float.NegativeInfinity);
        for (var step = -Steps; step <= Steps; step++)
        {
            var (product, square) = Sums(weights, importance, -(8 + StepSize * step) / extreme);
            if (!(square > 0) || !(product * product / square > bestGain))
                continue;
            bestGain = product * product / square;
            best = product / square;
        }
        return best;
    }

    // sums of importance * weight * level and of importance * level^2 for the levels that this inverse scale gives
    private static (float Product, float Square) Sums(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float inverse)
    {
        Vector256<float> product = default, square = default;
        var factor = Vector256.Create(inverse);
        for (var i = 0; i < Group; i += Vector256<float>.Count)
        {
            var weight = Vector256.Create(weights[i..]);
            var level = Vector256.Min(Vector256.Max(Vector256.Round(weight * factor), Vector256.Create(-8f)), Vector256.Create(7f));
            var counted = Vector256.Create(importance[i..]) * level;
            product += counted * weight;
            square += counted * level;
        }
        return (Vector256.Sum(product), Vector256.Sum(square));
    }

    // the weight of the largest magnitude, with its sign
    private static float Extreme(ReadOnlySpan<float> weights)
    {
        var extreme = 0f;
        foreach (var weight in weights)
        {
            if (Math.Abs(weight) > Math.Abs(extreme))
                extreme = weight;
        }
        return extreme;
    }
}
