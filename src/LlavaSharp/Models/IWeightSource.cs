using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Where a network under construction gets its tensors: a checkpoint, a random initialiser, or a list of what is asked for.</summary>
/// <remarks>The source owns the tensors it hands out; a network never disposes them.</remarks>
public interface IWeightSource
{
    /// <summary>The devices that its tensors lie on; null: all on one, whichever that is.</summary>
    internal DeviceMap? Devices => null;

    /// <summary>Whether a tensor of that name exists (for optional ones, such as a separate output projection).</summary>
    bool Contains(string name);

    /// <summary>The tensor of that name.</summary>
    /// <param name="name">The full name, as in the ordinary checkpoints.</param>
    /// <param name="shape">The shape that the layer needs; another one is an error of the source.</param>
    Tensor Get(string name, params ReadOnlySpan<long> shape);

    /// <summary>The linear layer in a slot: dense over "weight" and "bias" below the path, unless the source has it in another form.</summary>
    /// <param name="path">The slot's full name.</param>
    /// <param name="inputs">The width of its input.</param>
    /// <param name="outputs">The width of its output.</param>
    /// <param name="bias">Whether it has a bias.</param>
    Linear Linear(string path, long inputs, long outputs, bool bias) =>
        new DenseLinear(Get($"{path}.weight", outputs, inputs), bias ? Get($"{path}.bias", outputs) : null);

    /// <summary>The token embeddings in a slot.</summary>
    /// <param name="path">The slot's full name.</param>
    /// <param name="rows">The number of tokens.</param>
    /// <param name="width">The width of an embedding.</param>
    Embedding Embedding(string path, long rows, long width) => new(Get($"{path}.weight", rows, width));
}
