using LlavaSharp.Checkpoints;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>Tensors of this process into files.</summary>
public static class TensorWriter
{
    /// <summary>Writes a safetensors file, every tensor in one format; under a temporary name first.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">What it holds, by name.</param>
    /// <param name="type">The format of its numbers.</param>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, StoredDataType type) => SafetensorsWriter.Write(path, Describe(tensors, type));

    /// <summary>Tensors for a writer, converted one at a time as they are written.</summary>
    public static IEnumerable<TensorToWrite> Describe(IEnumerable<KeyValuePair<string, Tensor>> tensors, StoredDataType type) =>
        tensors.Select(t => new TensorToWrite(t.Key, type, t.Value.shape, stream => stream.Write(StoredTensors.ToBytes(t.Value, StoredTensorViews.Type(type)))));
}
