using System.Runtime.Intrinsics;
using LlavaSharp.Kernels;

namespace LlavaSharp.Quantization;

/// <summary>Rounds weights to the packed forms of the kernels.</summary>
internal static unsafe class WeightQuantizer
{
    private const int Group = PackedLayout.GroupInputs;
    private const int Steps = 9;             // candidates to either side of the scale that makes the largest weight -8
    private const float StepSize = 0.1f;     // in levels

    // the kernels take normal numbers only: PackedLayout.ToSingle
    private static readonly Half _smallestScale = BitConverter.UInt16BitsToHalf(0x0400);

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
            var scale = layout.Bits == WeightBits.Four ? ChooseScale(group, counts) : (Half)(Math.Abs(Extreme(group)) / 127);
            if (Half.IsSubnormal(scale))
                scale = Half.CopySign(_smallestScale, scale);
            Round(group, (float)scale, layout.Bits, values);
            layout.Put(block, row % PackedLayout.BlockRows, i, values, scale);
        }
    }

    /// <summary>The scale with the least squared error among those near the one that makes the weight of largest magnitude -8.</summary>
    /// <remarks>With the levels of a candidate fixed, the best scale is a quotient of two sums (least squares), so each candidate costs one pass.</remarks>
    private static Half ChooseScale(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance)
    {
        var extreme = Extreme(weights);
        if (extreme == 0)
            return Half.Zero;
        var (best, bestGain) = (extreme / -8, float.NegativeInfinity);
        for (var step = -Steps; step <= Steps; step++)
        {
            var (product, square) = Sums(weights, importance, -(8 + StepSize * step) / extreme);
            if (!(square > 0) || !(product * product / square > bestGain))
                continue;
            bestGain = product * product / square;
            best = product / square;
        }
        return (Half)best;
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

    private static void Round(ReadOnlySpan<float> weights, float scale, WeightBits bits, Span<sbyte> values)
    {
        var (least, most) = bits == WeightBits.Four ? (-8f, 7f) : (-127f, 127f);
        for (var i = 0; i < Group; i++)
            values[i] = scale == 0 ? (sbyte)0 : (sbyte)Math.Clamp(MathF.Round(weights[i] / scale), least, most);
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
