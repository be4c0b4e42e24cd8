namespace LlavaSharp.Kernels;

/// <summary>The reference: one value after the other, as <see cref="PackedLayout"/> says.</summary>
internal sealed unsafe class ScalarKernels : MatrixKernels
{
    /// <inheritdoc/>
    public override string Name => "scalar";

    /// <inheritdoc/>
    protected override void Int4One(in BlockOperands operands) => Multiply(operands, 1, WeightBits.Four);

    /// <inheritdoc/>
    protected override void Int4Four(in BlockOperands operands) => Multiply(operands, FourTokens, WeightBits.Four);

    /// <inheritdoc/>
    protected override void Int8One(in BlockOperands operands) => Multiply(operands, 1, WeightBits.Eight);

    /// <inheritdoc/>
    protected override void Int8Four(in BlockOperands operands) => Multiply(operands, FourTokens, WeightBits.Eight);

    private static void Multiply(in BlockOperands operands, int tokens, WeightBits bits)
    {
        Span<sbyte> weights = stackalloc sbyte[PackedLayout.GroupInputs];
        var layout = new PackedLayout(PackedLayout.BlockRows, operands.Groups * PackedLayout.GroupInputs, bits, operands.Exponent);
        new Span<float>(operands.Results, tokens * PackedLayout.BlockRows).Clear();
        for (var row = 0; row < PackedLayout.BlockRows; row++)
        {
            for (var group = 0; group < operands.Groups; group++)
            {
                var scale = layout.ToSingle(layout.Get(operands.Scales, row, group, weights));
                for (var token = 0; token < tokens; token++)
                {
                    var at = token * operands.Groups + group;
                    var sum = 0;
                    for (var i = 0; i < PackedLayout.GroupInputs; i++)
                    {
                        sum += weights[i] * (bits == WeightBits.Four
                            ? operands.X[at * PackedLayout.GroupInputs + i]
                            : operands.XWide[at * PackedLayout.GroupInputs + QuantizedActivations.PlaceInWide(i)]);
                    }
                    ref var result = ref operands.Results[token * PackedLayout.BlockRows + row];
                    result = MathF.FusedMultiplyAdd(sum, scale * operands.XScales[at], result);
                }
            }
        }
    }
}
