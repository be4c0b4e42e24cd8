using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>The slot of token embeddings: a table in the type of its file or of computation.</summary>
/// <param name="weight">[V, C].</param>
/// <param name="type">The type of the looked-up rows; null: the table's.</param>
public sealed class Embedding(Tensor weight, ScalarType? type = null)
{
    /// <summary>[V, C].</summary>
    public Tensor Weight { get; } = weight;

    /// <summary>The rows of ids.</summary>
    /// <param name="ids">Int64, any shape.</param>
    /// <returns>[..., C].</returns>
    public Tensor Forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        var rows = Weight.index_select(0, ids.reshape(-1));                                     // [n, C]
        return rows.to(type ?? Weight.dtype).reshape([.. ids.shape, Weight.shape[1]]).MoveToOuterDisposeScope();
    }
}
