using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Where a network under construction gets its tensors: a checkpoint, a random initialiser, or a list of what is asked for.</summary>
/// <remarks>The source owns the tensors it hands out; a network never disposes them.</remarks>
public interface IWeightSource
{
    /// <summary>Whether a tensor of that name exists (for optional ones, such as a separate output projection).</summary>
    bool Contains(string name);

    /// <summary>The tensor of that name.</summary>
    /// <param name="name">The full name, as in the ordinary checkpoints.</param>
    /// <param name="shape">The shape that the layer needs; another one is an error of the source.</param>
    Tensor Get(string name, params ReadOnlySpan<long> shape);
}
