using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Rows of text and pictures as embeddings, ready for the language model. It owns its tensors: no dispose scope does.</summary>
public sealed class MergedBatch : IDisposable
{
    internal MergedBatch(MergePlan plan, Tensor embeddings, Tensor positions, Tensor? visible, Tensor labels) =>
        (Plan, Embeddings, Positions, Visible, Labels) = (plan, embeddings, positions, visible, labels);

    /// <summary>What stands where.</summary>
    public MergePlan Plan { get; }

    /// <summary>[B, T, C], zeros at padding.</summary>
    public Tensor Embeddings { get; }

    /// <summary>Int64 [1 or B, T]: 0, 1, ... at real positions, 0 at padding.</summary>
    public Tensor Positions { get; }

    /// <summary>Boolean [B, T], false at padding; null when no row is padded.</summary>
    public Tensor? Visible { get; }

    /// <summary>Int64 [B, T], -100 where nothing is learned.</summary>
    public Tensor Labels { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Embeddings.Dispose();
        Positions.Dispose();
        Visible?.Dispose();
        Labels.Dispose();
    }
}
