using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A linear layer to whose results adapters add for the rows that ask for them; the layer itself, dense or quantised, does not know.</summary>
/// <param name="inner">The layer.</param>
/// <param name="adapters">What each adapter of the model adds; null where it leaves the layer alone.</param>
/// <param name="selection">Which rows ask for which.</param>
internal sealed class AdaptedLinear(Linear inner, IReadOnlyList<LowRank?> adapters, AdapterSelection selection) : Linear
{
    /// <inheritdoc/>
    internal override Linear Base => inner;

    /// <inheritdoc/>
    internal override bool IsAdapted => selection.Rows.Any(rows => adapters[rows.Adapter] is not null);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        var y = inner.Forward(x);                                                      // [..., outputs]
        Adapt(x, y);
        return y;
    }

    /// <inheritdoc/>
    internal override Tensor ForwardAdded(Tensor x, Tensor residual)
    {
        var y = inner.ForwardAdded(x, residual);                                       // [..., outputs]
        Adapt(x, y);
        return y;
    }

    /// <inheritdoc/>
    internal override void Adapt(Tensor x, Tensor y)
    {
        if (!IsAdapted)
            return;
        using var scope = NewDisposeScope();
        Tensor inputs = x.reshape(-1, x.shape[^1]), outputs = y.view(-1, y.shape[^1]);  // [n, inputs], [n, outputs]
        foreach (var rows in selection.Rows)
            if (adapters[rows.Adapter] is { } weight)
                rows.Add(weight, inputs, outputs);
    }
}
