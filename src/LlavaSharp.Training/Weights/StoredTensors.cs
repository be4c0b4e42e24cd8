using LlavaSharp.Checkpoints;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>Values of checkpoint files as tensors of this process, and back.</summary>
internal static class StoredTensors
{
    /// <summary>A copy in float32 that no longer needs the file.</summary>
    public static Tensor ToFloat32(StoredTensor stored)
    {
        if (!stored.DataType.IsFloatingPoint())
            throw new CheckpointException($"Tensor '{stored.Name}' of '{stored.File}' is {stored.DataType}, not a floating-point type: it cannot be trained.", stored.File, stored.Name);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return StoredTensorViews.View(stored).to(ScalarType.Float32, copy: true).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>The bytes of a tensor in a given format, in row-major order.</summary>
    public static byte[] ToBytes(Tensor source, ScalarType type)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        return source.detach().to(type, CPU).contiguous().bytes.ToArray();
    }
}
