namespace LlavaSharp.Models;

/// <summary>The memory that the parts of a model take, in bytes.</summary>
/// <param name="Beginning">Vision tower, projector and token embeddings.</param>
/// <param name="Layers">Each layer of the language model.</param>
/// <param name="End">The last norm and the projection to logits.</param>
internal sealed record PartSizes(long Beginning, IReadOnlyList<long> Layers, long End)
{
    /// <summary>All of it.</summary>
    public long Total => Beginning + Layers.Sum() + End;

    /// <summary>Sorts tensors into parts.</summary>
    /// <param name="tensors">The name and the bytes of each.</param>
    /// <param name="layers">How many layers the language model has.</param>
    public static PartSizes Of(IEnumerable<(string Name, long Bytes)> tensors, int layers)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var (beginning, end, sizes) = (0L, 0L, new long[layers]);
        foreach (var (name, bytes) in tensors)
        {
            var position = LayerPosition.Of(name);
            if (position.Layer is { } layer && layer < layers)
                sizes[layer] += bytes;
            else if (position.IsEnd)
                end += bytes;
            else
                beginning += bytes;
        }
        return new(beginning, sizes, end);
    }
}
