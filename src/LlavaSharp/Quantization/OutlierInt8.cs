using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>
/// LLM.int8 (Dettmers et al. 2022) with the numbers of bitsandbytes: rows in 8 bits by their largest magnitude; input columns that hold a large value
/// are multiplied in floating point.
/// </summary>
internal static class OutlierInt8
{
    /// <summary>From this magnitude on, an input makes its column an outlier (the paper's and the original's value).</summary>
    public const float Threshold = 6;

    private const double Largest = 127;

    // what bitsandbytes multiplies by for 1 / 127^2, which is 6.2000124e-05
    private const double InverseSquare = 6.200124e-05;

    /// <summary>Rows in 8 bits.</summary>
    /// <param name="rows">[N, K].</param>
    /// <param name="largest">[N], or [N, 1].</param>
    /// <returns>[N, K] int8: the nearest integer, halves to the even one, of value * (127 * (1 / largest)); zero where the largest is zero.</returns>
    public static Tensor Quantize(Tensor rows, Tensor largest)
    {
        using var scope = NewDisposeScope();
        var column = largest.view(-1, 1);
        // the reciprocal first, as PyTorch divides a number by a tensor: a float16 value of half the largest is a tie at 63.5, which
        // the factor's last bit decides, and one such step in a first layer moves all that follow
        var factor = column.reciprocal().mul_(Scalars.Of(Largest));
        factor = factor.masked_fill_(column == Scalars.Of(0), Scalars.Of(0));
        return rows.mul(factor).round_().clamp_(Scalars.Of(-Largest), Scalars.Of(Largest)).to(ScalarType.Int8).MoveToOuterDisposeScope();
    }

    /// <summary>The largest magnitude of each row.</summary>
    /// <param name="rows">[N, K].</param>
    /// <returns>[N].</returns>
    public static Tensor LargestOfRows(Tensor rows)
    {
        using var scope = NewDisposeScope();
        return rows.abs().amax([1]).MoveToOuterDisposeScope();
    }

    /// <summary>x W^T.</summary>
    /// <param name="x">[M, K] of any floating type; rounded to float16 first, as the library does.</param>
    /// <param name="weights">[N, K] int8.</param>
    /// <param name="scales">[N] float32: the largest magnitude of each row.</param>
    /// <returns>[M, N] float32.</returns>
    public static Tensor Multiply(Tensor x, Tensor weights, Tensor scales)
    {
        using var scope = NewDisposeScope();
        var values = x.to(ScalarType.Float16).to(ScalarType.Float32);                        // [M, K]
        var (x8, largest, outliers) = QuantizeInput(values);
        var sums = TorchAbi.Int8MatMul(x8, weights.t()).to(ScalarType.Float32);              // [M, N]
        var factors = largest.unsqueeze(1).mul(scales.unsqueeze(0));                         // [M, N]
        var y = sums.mul_(factors).mul_(Scalars.Of(InverseSquare));
        if (outliers.shape[0] > 0)
        {
            // the library takes these columns as they came, not as rounded
            var columns = x.to(ScalarType.Float32).index_select(1, outliers);                // [M, O]
            var dense = weights.index_select(1, outliers).to(ScalarType.Float32)             // [N, O]
                .mul_(scales.unsqueeze(1)).div_(Scalars.Of(Largest));
            y = y.AddInPlace(columns.matmul(dense.t()));
        }
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>The input in 8 bits.</summary>
    /// <param name="values">[M, K] float32.</param>
    /// <returns>[M, K] int8 with outlier columns zero, [M] the largest magnitudes without outliers, and the numbers of the outlier columns.</returns>
    internal static (Tensor Values, Tensor Largest, Tensor Outliers) QuantizeInput(Tensor values)
    {
        using var scope = NewDisposeScope();
        var magnitudes = values.abs();
        var large = magnitudes >= Scalars.Of(Threshold);                                     // [M, K]
        var largest = LargestOfRows(magnitudes.masked_fill(large, Scalars.Of(0)));           // [M]
        var inOutlier = large.any(0);                                                        // [K]
        var quantized = Quantize(values, largest).masked_fill_(inOutlier.unsqueeze(0), Scalars.Of(0));
        return (quantized.MoveToOuterDisposeScope(), largest.MoveToOuterDisposeScope(), inOutlier.nonzero().view(-1).MoveToOuterDisposeScope());
    }
}
