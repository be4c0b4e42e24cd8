using LlavaSharp.Kernels;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>
/// GPTQ (Frantar et al. 2022) for packed matrices. Inputs are rounded one after the other, those that count most first; what rounding one changes in the layer's
/// output over the calibration data is made up for by the weights of the inputs that are still to come. The groups' scales are chosen before.
/// </summary>
internal static unsafe class ErrorCompensation
{
    private const double Damping = 0.1;    // share of the mean of the diagonal that is added to it, against fitting the calibration data too closely
    private const int Step = 64;           // inputs between two updates of all that are to come
    private const int Group = PackedLayout.GroupInputs;

    /// <summary>Quantises and stores a matrix.</summary>
    /// <param name="layout">Where it goes.</param>
    /// <param name="data">The matrix's first byte.</param>
    /// <param name="weight">[N, K] float32.</param>
    /// <param name="products">[K, K] float32: X^T X of the layer's inputs (<see cref="InputProducts"/>).</param>
    public static void Put(PackedLayout layout, byte* data, Tensor weight, Tensor products)
    {
        using var scope = NewDisposeScope();
        var importance = products.diagonal().contiguous();                                          // [K]
        var counts = importance.data<float>().ToArray();
        var order = importance.argsort(0, descending: true);                                        // [K]
        var factor = InverseFactor(products.index_select(0, order).index_select(1, order));         // [K, K], upper
        var rest = weight.index_select(1, order).contiguous();                                      // [N, K], what is still to be rounded
        int[] inputs = [.. order.data<long>().ToArray().Select(k => (int)k)];
        // a matrix rounded to the nearest has the scales; its values are replaced
        WeightQuantizer.Put(layout, data, (float*)TorchAbi.DataPointer(weight), counts);
        var values = new sbyte[(long)layout.Rows * layout.Groups * Group];
        var scales = new Half[(long)layout.Rows * layout.Groups];
        ReadScales(layout, data, scales);
        for (var start = 0; start < layout.Inputs; start += Step)
        {
            using var step = NewDisposeScope();
            var length = Math.Min(Step, layout.Inputs - start);
            var block = factor.narrow(0, start, length).narrow(1, start, length).contiguous();      // [s, s]
            var errors = empty([layout.Rows, length], ScalarType.Float32);                          // [N, s]
            float* upper = (float*)TorchAbi.DataPointer(block), target = (float*)TorchAbi.DataPointer(errors), source = (float*)TorchAbi.DataPointer(rest) + start;
            var first = start;
            Parallel.For(0, layout.Rows, row => Round(
                layout, new(source + (nint)row * layout.Inputs, length), new(upper, length * length), inputs.AsSpan(first, length), scales.AsSpan(row * layout.Groups, layout.Groups),
                values.AsSpan(row * layout.Groups * Group, layout.Groups * Group), new(target + (nint)row * length, length)));
            var (next, left) = (start + length, layout.Inputs - start - length);
            if (left > 0)
                rest.narrow(1, next, left).addmm_(errors, factor.narrow(0, start, length).narrow(1, next, left), 1, -1);
        }
        for (var row = 0; row < layout.Rows; row++)
            for (var group = 0; group < layout.Groups; group++)
                layout.Put(data + row / PackedLayout.BlockRows * layout.BlockBytes, row % PackedLayout.BlockRows, group, values.AsSpan((row * layout.Groups + group) * Group, Group), scales[row * layout.Groups + group]);
    }

    // the upper Cholesky factor of the inverse of X^T X
    private static Tensor InverseFactor(Tensor products)
    {
        using var scope = NewDisposeScope();
        var squares = products.to(ScalarType.Float64);                                              // [K, K]
        var diagonal = squares.diagonal();
        var mean = diagonal.mean();
        diagonal.AddInPlace(mean.ToSingle() == 0 ? ones_like(mean) : mean.mul(Scalars.Of(Damping)));
        return linalg.cholesky(cholesky_inverse(linalg.cholesky(squares))).t().to(ScalarType.Float32).contiguous().MoveToOuterDisposeScope();
    }

    private static void ReadScales(PackedLayout layout, byte* data, Half[] scales)
    {
        Span<sbyte> values = stackalloc sbyte[Group];
        for (var row = 0; row < layout.Rows; row++)
            for (var group = 0; group < layout.Groups; group++)
                scales[row * layout.Groups + group] = layout.Get(data + row / PackedLayout.BlockRows * layout.BlockBytes, row % PackedLayout.BlockRows, group, values);
    }

    // some inputs of a row
    private static void Round(
        PackedLayout layout, Span<float> weights, ReadOnlySpan<float> upper, ReadOnlySpan<int> inputs, ReadOnlySpan<Half> scales, Span<sbyte> values, Span<float> errors)
    {
        for (var i = 0; i < inputs.Length; i++)
        {
            var stored = scales[inputs[i] / Group];
            var scale = stored == Half.Zero ? 0 : layout.ToSingle(stored);
            var value = values[inputs[i]] = WeightQuantizer.Round(weights[i], scale, layout.Bits);
            var factors = upper.Slice(i * inputs.Length, inputs.Length);
            var error = errors[i] = (weights[i] - scale * value) / factors[i];
            for (var k = i + 1; k < inputs.Length; k++)
                weights[k] -= error * factors[k];
        }
    }
}
