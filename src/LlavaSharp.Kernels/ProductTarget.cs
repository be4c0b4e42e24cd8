using System.Runtime.Intrinsics;

namespace LlavaSharp.Kernels;

/// <summary>Where a product goes, and what is added on the way.</summary>
/// <param name="results">[tokens][rows].</param>
/// <param name="bias">[rows], added to each token's product; null: none.</param>
/// <param name="residual">As the results, to which product and bias are added; null: none.</param>
internal readonly unsafe struct ProductTarget(float* results, float* bias = null, float* residual = null)
{
    /// <summary>Stores a token's products with the rows of one block.</summary>
    /// <param name="products">[16].</param>
    /// <param name="token">The token.</param>
    /// <param name="row">The block's first row.</param>
    /// <param name="rows">How many rows of the block there are.</param>
    /// <param name="width">Rows of the matrix.</param>
    public void Store(float* products, int token, int row, int rows, int width)
    {
        var at = (nint)token * width + row;
        if (rows == PackedLayout.BlockRows)
        {
            for (var i = 0; i < PackedLayout.BlockRows; i += Vector256<float>.Count)
            {
                var sum = Vector256.Load(products + i);
                if (bias != null)
                    sum += Vector256.Load(bias + row + i);
                if (residual != null)
                    sum = Vector256.Load(residual + at + i) + sum;
                sum.Store(results + at + i);
            }
            return;
        }
        for (var i = 0; i < rows; i++)
        {
            var sum = bias == null ? products[i] : products[i] + bias[row + i];
            results[at + i] = residual == null ? sum : residual[at + i] + sum;
        }
    }
}
